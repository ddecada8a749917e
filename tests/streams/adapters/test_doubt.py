"""What nobody knows the end of, out of a real PostgreSQL: the oldest first, with what was tried for it and for nothing else."""

from typing import Any

import psycopg2
import pytest

from models.ports import Change, EventRecord
from streams.adapters.postgres import PostgresPaymentStore
from streams.adapters.postgres.doubt import doubts, owner
from tests.streams.adapters.payments import FIRST, change, payment_id, refund, view

pytestmark = pytest.mark.real


def tried(payment: dict[str, Any], sequence: int, type: str, **data: object) -> Change:
    """An event of the payment's story; the payment itself is kept with the first."""
    event = change(payment).event
    body = {**event.body, "type": type, "sequence": sequence, "data": data}
    record = EventRecord(
        f"{payment['id']}-{sequence}",
        type,
        payment["id"],
        FIRST,
        sequence,
        event.at,
        event.causation_id,
        body,
    )
    return Change(record, {**payment, "sequence": sequence})


async def test_payments_and_refunds_in_doubt_are_told_with_what_was_tried(
    store: PostgresPaymentStore, database: str
) -> None:
    lost = view(1, status="unknown", unknown_since="2026-01-31T12:00:05.000Z")
    refunding = view(2, refunds=[refund(7, "manual_review", at_s=60)])
    await store.apply([change(view(3))])
    await store.apply(
        [
            tried(lost, 2, "payment.outcome_unknown.v1", reason="first"),
            tried(lost, 3, "payment.retry_requested.v1", reason="not an attempt's end"),
            tried(lost, 4, "payment.outcome_unknown.v1", reason="second"),
            tried(refunding, 2, "refund.outcome_unknown.v1", reason="lost", refund_id=refund(7)["id"]),
            tried(refunding, 3, "refund.outcome_unknown.v1", reason="another", refund_id=refund(8)["id"]),
        ]
    )
    first, second = doubts(database, 10)
    assert (first.payment, first.refund, first.status) == (payment_id(1), None, "unknown")
    assert (first.tries, first.last, first.since.second) == (2, "second", 5)
    assert (second.payment, second.refund, second.status) == (payment_id(2), refund(7)["id"], "manual_review")
    assert (second.tries, second.last, second.amount, second.currency) == (1, "lost", 500, "usd")
    assert doubts(database, 1) == [first]


async def test_however_many_they_are_one_connection_tells_of_them(
    store: PostgresPaymentStore, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.apply([change(view(n, status="unknown")) for n in range(5)])
    connect, connected = psycopg2.connect, []

    def counted(*arguments: Any, **named: Any) -> Any:
        connected.append(connect(*arguments, **named))
        return connected[-1]

    monkeypatch.setattr(psycopg2, "connect", counted)
    assert len(doubts(database, 10)) == 5
    assert len(connected) == 1


async def test_a_payments_merchant_is_found(store: PostgresPaymentStore, database: str) -> None:
    await store.apply([change(view(1))])
    assert owner(database, payment_id(1)) == FIRST
    assert owner(database, payment_id(2)) is None
