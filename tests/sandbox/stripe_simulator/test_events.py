"""`GET /v1/events`: by type, by group, by time and by delivery, page by page, for 30 days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import stripe

from sandbox.stripe_simulator.books import Books
from sandbox.stripe_simulator.records import Customer, Event

if TYPE_CHECKING:
    from tests.sandbox.stripe_simulator.conftest import Inbox, Raw, Until

DAY_S = 86_400


async def types(sdk: stripe.StripeClient, **filters: Any) -> list[str]:
    """Newest first."""
    params: Any = {"limit": 100, **filters}
    return [event.type for event in (await sdk.v1.events.list_async(params)).data]


async def test_a_group_of_types_is_named_with_a_star(sdk: stripe.StripeClient, raw: Raw) -> None:
    await raw.pay()
    assert await types(sdk, type="payment_intent.*") == [
        "payment_intent.succeeded",
        "payment_intent.created",
    ]
    assert await types(sdk, type="charge.succeeded") == ["charge.succeeded"]
    assert await types(sdk, types=["charge.succeeded", "payment_intent.created"]) == [
        "charge.succeeded",
        "payment_intent.created",
    ]
    assert await types(sdk, type="payout.*") == []


async def test_type_and_types_exclude_each_other(raw: Raw) -> None:
    status, body = await raw.get("/v1/events?type=charge.succeeded&types[]=refund.created")
    assert (status, body["error"]["param"]) == (400, "types")
    many = "&".join(f"types[]=t{number}" for number in range(21))
    assert (await raw.get(f"/v1/events?{many}"))[0] == 400


async def test_events_are_found_by_their_time(sdk: stripe.StripeClient, raw: Raw) -> None:
    await raw.pay()
    await raw.sim("clock", {"advance_s": 100})
    _, later, _ = await raw.pay()
    both = {"type": "payment_intent.succeeded"}
    assert len(await types(sdk, **both)) == 2
    for bound, found in (("gte", 1), ("gt", 0), ("lt", 1), ("lte", 2)):
        listed = await types(sdk, **both, created={bound: later["created"]})
        assert len(listed) == found, bound
    assert len(await types(sdk, **both, created=later["created"])) == 1


async def test_pages_of_what_was_not_delivered_cover_it_once(
    sdk: stripe.StripeClient, raw: Raw, inbox: Inbox, until: Until
) -> None:
    await raw.sim("webhook", {"url": inbox.url, "secrets": ["whsec_one"], "enabled_events": ["charge.*"]})
    await raw.sim("faults", {"kind": "webhook_drop", "endpoint": "charge.succeeded", "skip": 2})
    for _ in range(7):
        await raw.pay()
    await until(lambda: len(inbox.received) == 2)
    missed = await sdk.v1.events.list_async({"delivery_success": False, "limit": 2})
    seen = [event.id async for event in missed.auto_paging_iter()]
    assert len(seen) == len(set(seen)) == 5
    delivered = await types(sdk, delivery_success=True, type="charge.*")
    assert delivered == ["charge.succeeded"] * 2


async def test_events_are_kept_for_30_days(sdk: stripe.StripeClient, raw: Raw) -> None:
    await raw.pay()
    (event,) = (await sdk.v1.events.list_async({"type": "payment_intent.succeeded"})).data
    await raw.sim("clock", {"advance_s": 29 * DAY_S})
    await raw.pay()
    assert len(await types(sdk, type="payment_intent.succeeded")) == 2
    assert (await sdk.v1.events.retrieve_async(event.id)).id == event.id
    await raw.sim("clock", {"advance_s": 2 * DAY_S})
    assert len(await types(sdk, type="payment_intent.succeeded")) == 1
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.events.retrieve_async(event.id)
    assert caught.value.http_status == 404


def test_beyond_what_is_kept_the_oldest_events_are_forgotten() -> None:
    books = Books(events_kept=20)
    customer = Customer("cus_1", "acct_1", 1, 1, False, {}, {})
    for seq in range(2, 102):
        event = Event(f"evt_{seq}", "acct_1", seq, 1, False, "customer.updated", customer, None, None, None)
        books.apply([], [event], [])
    kept = books.ids("acct_1", "evt")
    assert 18 <= len(kept) <= 20 and kept[-1] == "evt_101" and set(kept) == set(books.events)
