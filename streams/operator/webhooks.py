"""`millrace webhooks`: make, change and show endpoints, and send again. How they are kept is PostgreSQL's adapter's."""

import argparse
import asyncio
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import uuid4

from models.webhook_endpoints import ENDPOINTS_MAX, Endpoint, Kept, Made, WebhookEndpoints, Wished
from models.webhooks import EVENT_FILTER, EVENT_TYPES_MAX
from streams.adapters.postgres import Postgres
from streams.adapters.postgres.merchants import NotFound, is_known, no_such_merchant
from streams.adapters.postgres.webhook_endpoints import PostgresWebhookEndpoints
from streams.adapters.webhook_addresses import url_refused
from streams.operator import Refused
from streams.operator.printing import show
from streams.sealing import sealing
from streams.settings import Settings, load


def run(given: argparse.Namespace, operator: str) -> None:
    """`operator`: who is acting. Raises Unavailable, SettingsRefused, NotFound and Refused."""
    settings = load()
    found = asyncio.run(_run(given, operator, settings))
    show(found if given.json else [_in_a_row(each) for each in found], given.json)


async def _run(given: argparse.Namespace, operator: str, settings: Settings) -> list[dict[str, object]]:
    seals = sealing(settings)
    postgres = Postgres(settings.postgres_dsn)
    try:
        return await _act(given, operator, PostgresWebhookEndpoints(postgres, seals), settings)
    finally:
        await postgres.close()


async def _act(
    given: argparse.Namespace, by: str, endpoints: WebhookEndpoints, settings: Settings
) -> list[dict[str, object]]:
    match given.action:
        case "list":
            return [_endpoint(each) for each in await endpoints.all(given.merchant)]
        case "create":
            return [await _create(given, by, endpoints, settings)]
        case "rotate":
            overlap = timedelta(hours=given.overlap_h)
            return [
                _made(_there(await endpoints.rotate(given.merchant, given.endpoint, overlap, uuid4(), by)))
            ]
        case "enable":
            return [_endpoint(_there(await endpoints.enable(given.merchant, given.endpoint, by)))]
        case "disable":
            done = await endpoints.disable(given.merchant, given.endpoint, given.why, by)
            return [_endpoint(_there(done))]
        case "delete":
            return [_endpoint(_there(await endpoints.delete(given.merchant, given.endpoint, by)))]
        case "redeliver":
            again = await endpoints.redeliver(given.merchant, given.delivery, by)
            if again is None:
                raise NotFound("there is no such delivery of this merchant's that was sent before")
            return [_delivery(again)]
        case _:
            _there(await endpoints.one(given.merchant, given.endpoint))
            found = await endpoints.deliveries(given.merchant, given.endpoint, given.limit, given.state)
            return [_delivery(each) for each in found]


async def _create(
    given: argparse.Namespace, by: str, endpoints: WebhookEndpoints, settings: Settings
) -> dict[str, object]:
    if refused := url_refused(given.url, settings.webhook_allow):
        raise Refused(f"the URL {refused}")
    if len(given.event) > EVENT_TYPES_MAX or not all(EVENT_FILTER.fullmatch(each) for each in given.event):
        raise Refused(f"events are types such as payment.captured.v1 or payment.*, at most {EVENT_TYPES_MAX}")
    if not await asyncio.to_thread(is_known, settings.postgres_dsn, given.merchant):
        raise no_such_merchant(given.merchant)
    wished = Wished(given.url, given.event or None, given.ordered, given.description or "")
    made = await endpoints.create(given.merchant, wished, uuid4(), by)
    if made is None:
        raise Refused(f"a merchant has {ENDPOINTS_MAX} endpoints at most")
    return _made(made)


def _there(found: Any) -> Any:
    if found is None:
        raise NotFound("there is no such endpoint of this merchant's")
    return found


def _made(made: Made) -> dict[str, object]:
    return {"secret": made.secret, **_endpoint(made.endpoint)}


def _endpoint(endpoint: Endpoint) -> dict[str, object]:
    return {**asdict(endpoint), "event_types": " ".join(endpoint.event_types)}


def _in_a_row(told: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in told.items() if name != "attempts"}


def _delivery(kept: Kept) -> dict[str, object]:
    """With its last attempt: the others are in --json's `attempts`."""
    last = kept.attempts[-1] if kept.attempts else {}
    return {**asdict(kept), "status": last.get("status"), "error": last.get("error")}
