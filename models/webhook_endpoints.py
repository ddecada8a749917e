"""Merchants' webhook endpoints as whoever manages them sees them, and the port to them. How they are kept is an adapter's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from models.ports import View
from models.representation import rfc3339
from models.webhooks import PENDING

ENDPOINTS_MAX = 16
"""Of one merchant: each of them is a copy of every event."""
BY_MERCHANT = "disabled by the merchant"
ROTATION_OVERLAP, ROTATION_OVERLAP_MAX = timedelta(hours=24), timedelta(days=7)
"""How long deliveries are signed with the old secret too."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`failing_since`: of the first attempt that failed after the last that did not."""

    id: str
    merchant: str
    url: str
    event_types: list[str]
    ordered: bool
    description: str
    created_at: datetime
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_why: str | None


@dataclass(frozen=True, slots=True)
class Kept:
    """One delivery. `attempts`: each with `number`, `at` (RFC 3339), `took_ms`, `status`, `error` and `answer`, its first KiB."""

    id: str
    endpoint: str
    event: str
    type: str
    payment: str
    sequence: int
    state: str
    made: int
    next_at: datetime
    created_at: datetime
    ended_at: datetime | None
    attempts: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Wished:
    """What an endpoint shall be; None: as it is."""

    url: str | None = None
    event_types: Sequence[str] | None = None
    ordered: bool | None = None
    description: str | None = None
    enabled: bool | None = None

    def in_full(self) -> tuple[str | None, list[str], bool, str]:
        """URL, event types, ordered and description of an endpoint that is made by it: of all events, in any order."""
        return self.url, list(self.event_types or ["*"]), bool(self.ordered), self.description or ""


@dataclass(frozen=True, slots=True)
class Made:
    """`secret`: of the request that made it; None: it was made anew since. `replayed`: by the same request, before."""

    endpoint: Endpoint
    secret: str | None
    replayed: bool = False


class WebhookEndpoints(Protocol):
    """All of them raise Unavailable. `actor`: who does it, and `reason`: why, for the audit. None: there is no such thing of this
    merchant's.
    """

    async def create(self, merchant: str, wished: Wished, request: UUID, actor: str) -> Made | None:
        """Once for each `request`, whatever it wishes then. None: the merchant has ENDPOINTS_MAX."""
        ...

    async def change(self, merchant: str, id: str, wished: Wished, actor: str) -> Endpoint | None: ...

    async def rotate(
        self, merchant: str, id: str, overlap: timedelta, request: UUID, actor: str
    ) -> Made | None:
        """A new secret, once for each `request`, also where one other came in between; for `overlap` deliveries are signed with
        both.
        """
        ...

    async def delete(self, merchant: str, id: str, actor: str) -> Endpoint | None:
        """With all that is on its way to it; what was sent is forgotten within minutes."""
        ...

    async def disable(self, merchant: str, id: str, why: str, actor: str) -> Endpoint | None: ...

    async def enable(self, merchant: str, id: str, actor: str, reason: str | None = None) -> Endpoint | None:
        """What was on its way goes on."""
        ...

    async def all(self, merchant: str | None) -> list[Endpoint]:
        """None: everybody's."""
        ...

    async def one(self, merchant: str, id: str) -> Endpoint | None: ...

    async def deliveries(
        self, merchant: str, id: str, most: int, state: str | None = None, after: str | None = None
    ) -> list[Kept]:
        """The newest first; `after`: those older than this one."""
        ...

    async def redeliver(self, merchant: str, id: str, actor: str, reason: str | None = None) -> Kept | None:
        """Now, or when the attempt has ended that is under way: under the same id, by a schedule that begins anew. None also: it
        is about to be sent for the first time.
        """
        ...


def endpoint_view(endpoint: Endpoint) -> View:
    """As its merchant is shown it; without the secret."""
    return {
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "url": endpoint.url,
        "event_types": endpoint.event_types,
        "ordered": endpoint.ordered,
        "description": endpoint.description,
        "status": "disabled" if endpoint.disabled_at else "enabled",
        "disabled_at": _moment(endpoint.disabled_at),
        "disabled_reason": endpoint.disabled_why,
        "failing_since": _moment(endpoint.failing_since),
        "created_at": _moment(endpoint.created_at),
    }


def delivery_view(kept: Kept) -> View:
    """As its merchant is shown it, each attempt with what their server answered."""
    return {
        "id": kept.id,
        "object": "webhook_delivery",
        "endpoint": kept.endpoint,
        "event": kept.event,
        "type": kept.type,
        "payment": kept.payment,
        "sequence": kept.sequence,
        "status": kept.state,
        "next_attempt_at": _moment(kept.next_at) if kept.state == PENDING else None,
        "created_at": _moment(kept.created_at),
        "ended_at": _moment(kept.ended_at),
        "attempts": [{**each, "at": _moment(datetime.fromisoformat(each["at"]))} for each in kept.attempts],
    }


def _moment(at: datetime | None) -> str | None:
    return rfc3339(at.astimezone(UTC)) if at else None
