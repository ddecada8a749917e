"""Stripe's list of what no webhook has delivered, read from the simulator page by page."""

from datetime import UTC, datetime, timedelta

import pytest

from models.commands import RecordNotice
from models.errors import Unavailable
from models.provider import IntentStatus
from streams.adapters.stripe_events import StripeEvents
from streams.adapters.stripe_line import line_to
from streams.adapters.stripe_provider import StripeProvider
from tests.streams.adapters.stripe.stripe_world import (
    KEY,
    authorized,
    cancel,
    error,
    http,
    new_payment,
    paid,
    scripted,
    simulator_process,
)

LONG_AGO = timedelta(days=1)


async def test_what_was_not_delivered_is_told_the_oldest_first() -> None:
    first, second = new_payment(), new_payment()
    with simulator_process() as own:
        own.control("webhook", {"url": "http://127.0.0.1:1/nobody", "secrets": ["whsec_nobody"]})
        provider, line = StripeProvider(line_to(KEY, own.url)), line_to(KEY, own.url)
        await paid(provider, first)
        held = await authorized(provider, second)
        await provider.perform(cancel(second, held.intent))
        found = await StripeEvents(line).undelivered(datetime.now(UTC) - LONG_AGO)
        await line.close()
        await provider.close()
    told = [
        (each.origin.payment_id, getattr(each.snapshot, "status", None))
        for each in found
        if isinstance(each, RecordNotice)
    ]
    assert told == [
        (first, IntentStatus.CAPTURED),
        (second, IntentStatus.AUTHORIZED),
        (second, IntentStatus.CANCELED),
    ]


async def test_pages_are_read_to_their_end_and_only_from_where_it_had_come_to() -> None:
    since = datetime(2026, 1, 31, 12, tzinfo=UTC)
    pages = [
        http(200, {"data": [{"id": "evt_2", "type": "charge.updated"}], "has_more": True}),
        http(200, {"data": [{"id": "evt_1", "type": "charge.updated"}], "has_more": False}),
    ]
    async with scripted(*pages) as server:
        line = line_to(KEY, server.url)
        assert await StripeEvents(line).undelivered(since) == []
        await line.close()
    lines = [
        request.split(b"\r\n")[0].replace(b"%5B", b"[").replace(b"%5D", b"]") for request in server.received
    ]
    assert all(b"delivery_success=false" in line for line in lines)
    assert all(b"created[gte]=%d" % since.timestamp() in line for line in lines)
    assert b"starting_after=evt_2" in lines[1]


@pytest.mark.parametrize("status", [401, 429, 500])
async def test_a_list_that_cannot_be_read_is_unavailable(status: int) -> None:
    async with scripted(http(status, error("api_error"))) as server:
        line = line_to(KEY, server.url)
        with pytest.raises(Unavailable):
            await StripeEvents(line).undelivered(datetime.now(UTC))
        await line.close()
