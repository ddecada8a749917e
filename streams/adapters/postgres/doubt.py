"""Payments and refunds whose end nobody knows, as the projection keeps them, and what was tried. They are settled elsewhere."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from streams.adapters.postgres.statements import run, transaction

TRIED = (
    "payment.outcome_unknown.v1",
    "refund.outcome_unknown.v1",
    "payment.deferred.v1",
    "payment.review_required.v1",
    "refund.review_required.v1",
)
"""Events that say how an attempt to learn it went."""

PAYMENTS = """
SELECT id, NULL, merchant, status, amount, currency, updated_at, body::text FROM payments
WHERE status IN ('unknown', 'manual_review') ORDER BY created_at LIMIT %s
"""
REFUNDS = """
SELECT r.payment_id, r.id, r.merchant, r.status, r.amount, p.currency, r.updated_at, r.body::text
FROM refunds r JOIN payments p ON p.id = r.payment_id
WHERE r.status IN ('unknown', 'manual_review') ORDER BY r.created_at LIMIT %s
"""
STORY = """
SELECT body::text FROM payment_events WHERE payment_id = %s AND type = ANY(%s) ORDER BY sequence
"""
OWNER = "SELECT merchant FROM payments WHERE id = %s"


@dataclass(frozen=True, slots=True)
class Doubt:
    """`refund`: None where the payment itself is in doubt. `amount` in minor units. `tries`: attempts that told nothing."""

    payment: str
    refund: str | None
    merchant: str
    status: str
    amount: int
    currency: str
    since: datetime
    tries: int
    last: str


def doubts(dsn: str, most: int) -> list[Doubt]:
    """The oldest first. Raises Unavailable."""
    with transaction(dsn) as cursor:  # one connection for all of them: it may be hundreds
        rows = [*_all(cursor, PAYMENTS, most), *_all(cursor, REFUNDS, most)]
        found = [_doubt(row, _tried(cursor, row[0], row[1])) for row in rows]
    return sorted(found, key=lambda doubt: doubt.since)[:most]


def owner(dsn: str, payment_id: str) -> str | None:
    """The payment's merchant. Raises Unavailable."""
    rows = run(dsn, OWNER, payment_id)
    return str(rows[0][0]) if rows else None


def _doubt(row: tuple[Any, ...], tried: list[str]) -> Doubt:
    payment, refund, merchant, status, amount, currency, updated_at, body = row
    since = json.loads(body).get("unknown_since")
    return Doubt(
        payment=payment,
        refund=refund,
        merchant=merchant,
        status=status,
        amount=amount,
        currency=currency,
        since=datetime.fromisoformat(since) if since else updated_at,
        tries=len(tried),
        last=tried[-1] if tried else "",
    )


def _all(cursor: Any, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    cursor.execute(sql, parameters)
    return list(cursor.fetchall())


def _tried(cursor: Any, payment: str, refund: str | None) -> list[str]:
    """The reasons, in order, of what was tried for this payment itself, or for this refund of it."""
    data = [json.loads(body)["data"] for (body,) in _all(cursor, STORY, payment, list(TRIED))]
    return [str(each.get("reason")) for each in data if each.get("refund_id") == refund]
