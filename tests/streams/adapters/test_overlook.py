"""What operators see of all merchants together, in a real PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.ports import Change, PaymentFilter
from models.representation import rfc3339
from streams.adapters.postgres import Postgres, PostgresPaymentStore
from streams.adapters.postgres.connections import Row
from streams.adapters.postgres.overlook import BIN_S, LOOKS_AT_ONCE, MERCHANTS_MAX, Overlook
from tests.streams.adapters.payments import FIRST, SECOND, change, refund, view

pytestmark = pytest.mark.real


def lately(number: int, status: str, merchant: str = FIRST, after_s: float = 0.5) -> list[Change]:
    """A payment that was made two minutes ago, and what decided it `after_s` later."""
    made_at = datetime.now(UTC) - timedelta(minutes=2)
    made = view(number, 2, merchant, status=status, created_at=rfc3339(made_at))
    at = datetime.fromisoformat(made["created_at"]) + timedelta(seconds=after_s)
    return [Change(replace(change(made, f"payment.{status}.v1").event, at=at), made)]


async def test_payments_of_all_merchants_are_listed_together_the_newest_first(
    connections: Postgres, store: PostgresPaymentStore
) -> None:
    views = [view(n, merchant=(FIRST, SECOND, "mer_third")[n % 3], at_s=n) for n in range(1, 10)]
    await store.apply([change(each) for each in views])
    overlook = Overlook(connections)
    assert await overlook.merchants() == [each["merchant"] for each in views[:-4:-1]]
    assert await overlook.payments(None, PaymentFilter(), 5) == views[:-6:-1]
    mine = [each for each in views if each["merchant"] == SECOND]
    assert await overlook.payments(SECOND, PaymentFilter(), 5) == mine[::-1]
    assert await overlook.payments("mer_nobody", PaymentFilter(), 5) == []


async def test_what_is_in_doubt_is_counted_payments_and_refunds(
    connections: Postgres, store: PostgresPaymentStore
) -> None:
    shown = [
        view(1, status="unknown"),
        view(2, merchant=SECOND, refunds=[refund(1, "manual_review"), refund(2, "succeeded")]),
        view(3),
    ]
    await store.apply([change(each) for each in shown])
    assert await Overlook(connections).in_doubt() == 2
    assert await Overlook(connections).payment(shown[1]["id"]) == shown[1]
    assert await Overlook(connections).payment("pay_none") is None


async def test_nobody_has_payments_where_there_are_none(connections: Postgres) -> None:
    overlook = Overlook(connections)
    assert (await overlook.merchants(), await overlook.payments(None, PaymentFilter(), 5)) == ([], [])
    assert await overlook.lately() == []


async def test_how_it_went_of_late_is_counted_over_all_merchants(
    connections: Postgres, store: PostgresPaymentStore
) -> None:
    statuses = ["captured"] * 6 + ["declined"] * 2 + ["processing"]
    for n, status in enumerate(statuses, 1):
        await store.apply(lately(n, status, (FIRST, SECOND)[n % 2]))
    await store.apply([change(view(99))])  # long ago
    bins = await Overlook(connections).lately()
    assert all(each.at.timestamp() % BIN_S == 0 for each in bins)
    assert [sum(getattr(each, name) for each in bins) for name in ("made", "succeeded", "decided")] == [
        9,
        6,
        8,
    ]
    assert {(each.p50_s, each.p95_s) for each in bins if each.decided} == {(0.5, 0.5)}


async def test_a_look_at_two_hundred_merchants_leaves_connections_to_those_who_read_payments(
    connections: Postgres, store: PostgresPaymentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = [view(n, merchant=f"mer_{n:03}", at_s=n) for n in range(MERCHANTS_MAX + 5)]
    await store.apply([change(each) for each in views])
    inside, most_inside, use = 0, 0, connections.rows

    async def counted(*asked: Any) -> list[Row]:
        nonlocal inside, most_inside
        inside += 1
        most_inside = max(inside, most_inside)
        try:
            return await use(*asked)
        finally:
            inside -= 1

    monkeypatch.setattr(connections, "rows", counted)
    overlook = Overlook(connections)
    pages = await asyncio.gather(*(overlook.payments(None, PaymentFilter(), 5) for _ in range(3)))
    assert pages == [views[:-6:-1]] * 3
    assert most_inside <= LOOKS_AT_ONCE + len(pages)
