"""Reading what the projection keeps, each merchant their own. Writing is `store.py`."""

from collections.abc import Collection
from typing import Any

import orjson

from models.ports import Page, PaymentFilter, View
from streams.adapters.postgres.connections import Postgres, Row
from streams.adapters.postgres.rows import json_text, metadata_digest, storable

PAYMENT = "SELECT body::text FROM payments WHERE merchant = %s AND id = %s"
PAGE = "SELECT body::text FROM payments WHERE "
NEWEST_FIRST = " ORDER BY created_at DESC, id DESC LIMIT %s"
OLDEST_FIRST = " ORDER BY created_at, id LIMIT %s"
AFTER = "(created_at, id) < ((SELECT created_at FROM payments WHERE merchant = %s AND id = %s), %s)"
BEFORE = "(created_at, id) > ((SELECT created_at FROM payments WHERE merchant = %s AND id = %s), %s)"
REFUND = """
SELECT body::text, payment_id FROM refunds WHERE merchant = %s AND id = %s ORDER BY created_at DESC, payment_id LIMIT 1
"""
EVENTS = """
SELECT body::text FROM payment_events
WHERE payment_id = %s AND sequence > %s AND merchant = %s AND (sender IS NULL OR sender = %s)
ORDER BY sequence LIMIT %s
"""
OWNER = "SELECT id, merchant FROM payments WHERE payment_intent = %s"
SEQUENCES = "SELECT id, sequence FROM payments WHERE id = ANY(%s)"

Clause = tuple[str, tuple[Any, ...]]


class PostgresPaymentReader:
    """Fulfils PaymentReader, and Sequences of `streams.payment_reads`."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def payment(self, merchant: str, payment_id: str) -> View | None:
        found = await self._postgres.rows(PAYMENT, (storable(merchant), storable(payment_id)))
        return orjson.loads(found[0][0]) if found else None

    async def payments(
        self,
        merchant: str,
        where: PaymentFilter,
        limit: int,
        starting_after: str | None,
        ending_before: str | None,
    ) -> Page:
        """Newest first. `starting_after` and `ending_before` are payments' ids; behind an unknown one there is nothing.

        `has_more`: whether there are more in the direction that was asked for.
        """
        clauses = _clauses(merchant, where)
        for cursor, comparison in ((starting_after, AFTER), (ending_before, BEFORE)):
            if cursor is not None:
                clauses.append((comparison, (merchant, storable(cursor), storable(cursor))))
        backwards = ending_before is not None and starting_after is None
        sql = PAGE + " AND ".join(text for text, _ in clauses) + (OLDEST_FIRST if backwards else NEWEST_FIRST)
        parameters = [value for _, values in clauses for value in values]
        page = _page(await self._postgres.rows(sql, [*parameters, limit + 1]), limit)
        return Page(page.data[::-1], page.has_more) if backwards else page

    async def refund(self, merchant: str, refund_id: str) -> View | None:
        """The refund, and `payment`, the id of what it refunds. Of two payments with such a refund: the newer refund."""
        found = await self._postgres.rows(REFUND, (storable(merchant), storable(refund_id)))
        return {**orjson.loads(found[0][0]), "payment": found[0][1]} if found else None

    async def events(self, merchant: str, payment_id: str, limit: int, after_sequence: int) -> Page:
        """In order. What a stranger tried on a payment is shown to neither of the two, so numbers may be missing."""
        asked = (storable(payment_id), after_sequence, storable(merchant), storable(merchant), limit + 1)
        return _page(await self._postgres.rows(EVENTS, asked), limit)

    async def owner(self, intent: str) -> tuple[str, str] | None:
        """The payment that is `intent` at the provider, and its merchant."""
        found = await self._postgres.rows(OWNER, (storable(intent),))
        return (found[0][0], found[0][1]) if found else None

    async def sequences(self, payment_ids: Collection[str]) -> dict[str, int]:
        """How far the projection is with each of them; unknown ones are left out."""
        found = await self._postgres.rows(SEQUENCES, (list(payment_ids),))
        return dict(found)


def _clauses(merchant: str, where: PaymentFilter) -> list[Clause]:
    """One for each filter, in the words of its index."""
    customer = storable(where.customer)
    digests = [metadata_digest(merchant, name, value) for name, value in where.metadata]
    pairs = {storable(name): storable(value) for name, value in where.metadata}
    clauses: list[tuple[bool, str, tuple[Any, ...]]] = [
        (True, "merchant = %s", (storable(merchant),)),
        (where.status is not None, "status = %s", (storable(where.status),)),
        (where.currency is not None, "currency = %s", (storable(where.currency),)),
        (customer is not None, "left(customer, 200) = left(%s, 200) AND customer = %s", (customer, customer)),
        (where.amount_minor is not None, "amount = %s", (where.amount_minor,)),
        (where.created_after is not None, "created_at > %s", (where.created_after,)),
        (where.created_before is not None, "created_at < %s", (where.created_before,)),
        (
            bool(pairs),
            "metadata_digests @> %s::bigint[] AND metadata_digests <> '{}' AND metadata @> %s::jsonb",
            (digests, json_text(pairs)),
        ),
    ]
    return [(text, values) for wanted, text, values in clauses if wanted]


def _page(found: list[Row], limit: int) -> Page:
    return Page([orjson.loads(body) for (body, *_) in found[:limit]], len(found) > limit)
