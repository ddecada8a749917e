"""Merchants' own webhook endpoints: what may be asked of them, and by whom. How they are kept is an adapter's."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4, uuid5

from models import fields, ids
from models.callers import Principal
from models.card_numbers import holds_card_number
from models.codes import Code
from models.commands import FieldError
from models.fields import CARD_NUMBER
from models.ports import Page, View
from models.webhook_endpoints import (
    ENDPOINTS_MAX,
    ROTATION_OVERLAP,
    Endpoint,
    Made,
    WebhookEndpoints,
    Wished,
    delivery_view,
    endpoint_view,
)
from models.webhooks import DELIVERY_ID, ENDPOINT_ID, EVENT_FILTER, STATES
from web import bodies, idempotency, operations
from web.callers import Callers
from web.operations import Operation
from web.problems import Problem, invalid
from web.reading import CURSORS, AskedFor, Query, page_of

Body = Callable[[], Awaitable[dict[str, Any]]]
"""Read only once the caller is known."""

T = TypeVar("T")

_STATE = fields.one_of(STATES)


@dataclass(frozen=True, slots=True)
class Shown:
    """`view`: of the endpoint, with its secret."""

    view: View
    replayed: bool


class MerchantWebhooks:
    """All of them raise Problem, and Unavailable."""

    def __init__(
        self, endpoints: WebhookEndpoints, url_refused: Callable[[str], str | None], callers: Callers
    ) -> None:
        self._endpoints, self._url_refused, self._callers = endpoints, url_refused, callers

    async def create(self, authorization: str | None, key: list[str], body: Body) -> Shown:
        """Once for each `key`; without one, once more."""
        operation = operations.CREATE_WEBHOOK_ENDPOINT
        caller, said = await self._admitted(authorization, operation, body)
        wished = Wished(**said)
        made = await self._endpoints.create(caller.merchant, wished, _request(caller, key), caller.key_prefix)
        if made is None:
            raise Problem(Code.LIMIT_EXCEEDED, f"A merchant has {ENDPOINTS_MAX} webhook endpoints at most.")
        if made.replayed and not _is_as_wished(made.endpoint, wished):
            raise Problem(
                Code.IDEMPOTENCY_KEY_REUSED, "This idempotency key made an endpoint that is otherwise now."
            )
        return _shown(made)

    async def all(self, authorization: str | None, query: Query) -> Page:
        """Newest first."""
        caller = await self._callers.admit(authorization, operations.LIST_WEBHOOK_ENDPOINTS)
        asked = AskedFor(query, CURSORS)
        wanted = asked.page(ENDPOINT_ID.fullmatch)
        asked.refuse_what_is_wrong()
        found = await self._endpoints.all(caller.merchant)
        return page_of([endpoint_view(each) for each in reversed(found)], *wanted)

    async def one(self, authorization: str | None, id: str) -> View:
        caller = await self._callers.admit(authorization, operations.GET_WEBHOOK_ENDPOINT)
        return endpoint_view(await self._one(caller.merchant, id))

    async def update(self, authorization: str | None, id: str, body: Body) -> View:
        operation = operations.UPDATE_WEBHOOK_ENDPOINT
        caller, said = await self._admitted(authorization, operation, body, id)
        wished = Wished(**said)
        if wished == Wished():  # nothing: no act, and no line in the audit
            return endpoint_view(await self._one(caller.merchant, id))
        changed = await self._endpoints.change(caller.merchant, id, wished, caller.key_prefix)
        return endpoint_view(_there(changed))

    async def delete(self, authorization: str | None, id: str) -> View:
        caller = await self._callers.admit(authorization, operations.DELETE_WEBHOOK_ENDPOINT)
        _named(id)
        _there(await self._endpoints.delete(caller.merchant, id, caller.key_prefix))
        return {"id": id, "object": "webhook_endpoint", "deleted": True}

    async def enable(self, authorization: str | None, id: str, body: Body) -> View:
        caller, _ = await self._admitted(authorization, operations.ENABLE_WEBHOOK_ENDPOINT, body, id)
        return endpoint_view(_there(await self._endpoints.enable(caller.merchant, id, caller.key_prefix)))

    async def rotate(self, authorization: str | None, id: str, key: list[str], body: Body) -> Shown:
        """Once for each `key`; without one, once more."""
        caller, said = await self._admitted(authorization, operations.ROTATE_WEBHOOK_SECRET, body, id)
        given = said.get("overlap_s")
        overlap = ROTATION_OVERLAP if given is None else timedelta(seconds=given)
        request = uuid5(_request(caller, key), f"rotate\n{id}")
        made = await self._endpoints.rotate(caller.merchant, id, overlap, request, caller.key_prefix)
        return _shown(_there(made))

    async def deliveries(self, authorization: str | None, id: str, query: Query) -> Page:
        """Newest first, each with its attempts."""
        caller = await self._callers.admit(authorization, operations.LIST_WEBHOOK_DELIVERIES)
        asked = AskedFor(query, ("limit", "starting_after", "status"))
        state = asked.checked("status", _STATE)
        limit, after, _ = asked.page(DELIVERY_ID.fullmatch)
        asked.refuse_what_is_wrong()
        _named(id)
        found = await self._endpoints.deliveries(caller.merchant, id, limit + 1, state, after)
        if not found:
            await self._one(caller.merchant, id)
        return Page([delivery_view(each) for each in found[:limit]], len(found) > limit)

    async def redeliver(self, authorization: str | None, id: str, body: Body) -> View:
        caller, _ = await self._admitted(authorization, operations.REDELIVER_WEBHOOK, body)
        found = None
        if DELIVERY_ID.fullmatch(id):
            found = await self._endpoints.redeliver(caller.merchant, id, caller.key_prefix)
        if found is None:
            raise Problem(Code.NOT_FOUND, "There is no such delivery that was sent before.")
        return delivery_view(found)

    async def _admitted(
        self, authorization: str | None, operation: Operation, body: Body, id: str | None = None
    ) -> tuple[Principal, dict[str, Any]]:
        """Who asks, and the body. `id`: of the endpoint that it is about."""
        caller = await self._callers.admit(authorization, operation)
        if id is not None:
            _named(id)
        said = await body()
        if errors := bodies.faults(operation.name, said, self._faults(said)):
            raise invalid(errors)
        return caller, said

    def _faults(self, said: Mapping[str, Any]) -> list[FieldError]:
        """In better words than a schema's."""
        url, types = said.get("url"), said.get("event_types")
        found = []
        if isinstance(url, str) and (refused := self._url_refused(url)):
            found.append(FieldError("url", refused))
        if isinstance(types, list) and not all(
            isinstance(t, str) and EVENT_FILTER.fullmatch(t) for t in types
        ):
            found.append(
                FieldError("event_types", "must hold types such as payment.captured.v1, payment.* or *")
            )
        found += [
            FieldError(name, CARD_NUMBER)
            for name in ("url", "description")
            if isinstance(said.get(name), str) and holds_card_number(said[name])
        ]
        return found

    async def _one(self, merchant: str, id: str) -> Endpoint:
        _named(id)
        return _there(await self._endpoints.one(merchant, id))


def _request(caller: Principal, key: list[str]) -> UUID:
    return ids.command_uuid(caller.merchant, idempotency.key(key)) if key else uuid4()


def _is_as_wished(endpoint: Endpoint, wished: Wished) -> bool:
    found = endpoint.url, endpoint.event_types, endpoint.ordered, endpoint.description
    return found == wished.in_full()


def _shown(made: Made) -> Shown:
    return Shown(endpoint_view(made.endpoint) | {"secret": made.secret}, made.replayed)


def _named(id: str) -> None:
    if not ENDPOINT_ID.fullmatch(id):
        raise _no_such_endpoint()


def _there(found: T | None) -> T:
    if found is None:
        raise _no_such_endpoint()
    return found


def _no_such_endpoint() -> Problem:
    return Problem(Code.NOT_FOUND, "There is no such webhook endpoint.")
