"""Stripe's list of what no webhook has delivered, read from the simulator page by page."""

from datetime import UTC, datetime, timedelta

import pytest

from models.commands import RecordNotice
from models.errors import Unavailable
from models.ports import Unaddressed
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


async def all_of(events: StripeEvents, since: datetime) -> list[RecordNotice | Unaddressed]:
    return [each async for page in events.undelivered(since) for each in page]


async def test_what_was_not_delivered_is_told_the_oldest_first() -> None:
    first, second = new_payment(), new_payment()
    with simulator_process() as own:
        own.control("webhook", {"url": "http://127.0.0.1:1/nobody", "secrets": ["whsec_nobody"]})
        provider, line = StripeProvider(line_to(KEY, own.url)), line_to(KEY, own.url)
        await paid(provider, first)
        held = await authorized(provider, second)
        await provider.perform(cancel(second, held.intent))
        found = await all_of(StripeEvents(line), datetime.now(UTC) - LONG_AGO)
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
        http(200, {"data": [{"id": f"evt_{left}", "type": "charge.updated"}], "has_more": left > 0})
        for left in reversed(range(60))
    ]
    async with scripted(*pages) as server:
        line = line_to(KEY, server.url)
        assert await all_of(StripeEvents(line), since) == []
        await line.close()
    lines = [
        request.split(b"\r\n")[0].replace(b"%5B", b"[").replace(b"%5D", b"]") for request in server.received
    ]
    assert all(b"delivery_success=false" in line for line in lines)
    assert all(b"created[gte]=%d" % since.timestamp() in line for line in lines)
    assert len(lines) == 60
    assert all(b"starting_after=evt_%d" % (60 - place) in lines[place] for place in range(1, 60))


async def test_a_page_whose_last_event_has_no_id_is_the_last_and_not_read_for_ever() -> None:
    page = http(200, {"data": [{"type": "charge.updated"}], "has_more": True})
    async with scripted(page, page) as server:
        line = line_to(KEY, server.url)
        assert await all_of(StripeEvents(line), datetime.now(UTC)) == []
        await line.close()
    assert len(server.received) == 1


@pytest.mark.parametrize("status", [401, 429, 500])
async def test_a_list_that_cannot_be_read_is_unavailable(status: int) -> None:
    async with scripted(http(status, error("api_error"))) as server:
        line = line_to(KEY, server.url)
        with pytest.raises(Unavailable):
            await all_of(StripeEvents(line), datetime.now(UTC))
        await line.close()
