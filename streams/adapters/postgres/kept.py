"""What PostgreSQL keeps of some payments, field by field, beside what it should keep of a view or an event. Nothing is compared
here, and nothing written.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from models.ports import EventRecord, View
from streams.adapters.postgres.connections import Postgres
from streams.adapters.postgres.rows import (
    event_row,
    metadata_digests,
    storable,
    storable_metadata,
)

CONNECTIONS_MAX = 1
READ_WITHIN_S = 60.0  # a page of ids on a busy server; nobody waits for it
IDS_PER_PAGE = 10_000
DIGEST_BYTES = 8  # of one event, kept in memory for each: two that differ look the same once in 10^19

PAYMENTS = """
SELECT id, body::text, merchant, sequence, status, amount, currency, customer, metadata::text, metadata_digests,
       payment_intent, created_at, updated_at
FROM payments WHERE id = ANY(%s)
"""
REFUNDS = """
SELECT payment_id, id, body::text, merchant, sequence, status, amount, created_at, updated_at
FROM refunds WHERE payment_id = ANY(%s)
"""
EVENTS = """
SELECT payment_id, sequence, id, type, merchant, sender, at, causation_id, body::text, for_operators::text
FROM payment_events WHERE payment_id = ANY(%s) ORDER BY payment_id, sequence
"""
IDS = """
(SELECT id FROM payments WHERE id > %s ORDER BY id LIMIT %s)
UNION (SELECT DISTINCT payment_id FROM refunds WHERE payment_id > %s ORDER BY payment_id LIMIT %s)
UNION (SELECT DISTINCT payment_id FROM payment_events WHERE payment_id > %s ORDER BY payment_id LIMIT %s)
ORDER BY 1 LIMIT %s
"""
IDS_SINCE = "SELECT id FROM payments WHERE id > %s AND created_at >= %s ORDER BY id LIMIT %s"

VIEWS = "SELECT id, body::text FROM payments WHERE id = ANY(%s)"
VIEWS_SINCE = "SELECT id, body::text FROM payments WHERE id > %s AND updated_at >= %s ORDER BY id LIMIT %s"
REFUNDED = "SELECT merchant, id, payment_id FROM refunds WHERE id = ANY(%s)"
VIEWS_PER_PAGE = 1_000  # one or two megabytes

Fields = dict[str, Any]


@dataclass(slots=True)
class Kept:
    """Of one payment: its row, its refunds' rows by id, a digest of each event by sequence. None: there is no row."""

    payment: Fields | None = None
    refunds: dict[str, Fields] = field(default_factory=dict)
    events: dict[int, bytes] = field(default_factory=dict)


class PostgresKept:
    def __init__(self, dsn: str) -> None:
        self._postgres = Postgres(dsn, CONNECTIONS_MAX, READ_WITHIN_S)

    async def of(self, payment_ids: Sequence[str]) -> dict[str, Kept]:
        """By payment id, of those of which anything is kept. Raises Unavailable.

        The events are read last: what a projection adds meanwhile is then in them, and not missing.
        """
        ids = list(payment_ids)
        found: dict[str, Kept] = {}
        for id, body, *columns in await self._postgres.rows(PAYMENTS, (ids,)):
            found.setdefault(id, Kept()).payment = _payment(body, columns)
        for payment_id, id, body, *columns in await self._postgres.rows(REFUNDS, (ids,)):
            found.setdefault(payment_id, Kept()).refunds[id] = _refund(body, columns)
        for row in await self._postgres.rows(EVENTS, (ids,)):
            found.setdefault(row[0], Kept()).events[row[1]] = _digest(row)
        return found

    async def ids(self, since: datetime | None) -> AsyncIterator[list[str]]:
        """Of every payment of which anything is kept; of those made since, where that is asked. Raises Unavailable."""
        last, page = "", IDS_PER_PAGE
        while page == IDS_PER_PAGE:
            if since is None:
                rows = await self._postgres.rows(IDS, (last, IDS_PER_PAGE) * 3 + (IDS_PER_PAGE,))
            else:
                rows = await self._postgres.rows(IDS_SINCE, (last, since, IDS_PER_PAGE))
            page = len(rows)
            if rows:
                last = rows[-1][0]
                yield [id for (id,) in rows]

    async def views(self, payment_ids: Sequence[str]) -> dict[str, View]:
        """The payments as they are shown. Raises Unavailable; so do these all."""
        rows = await self._postgres.rows(VIEWS, (list(payment_ids),))
        return {id: orjson.loads(body) for id, body in rows}

    async def views_since(self, at: datetime) -> AsyncIterator[list[View]]:
        """Of the payments that have moved since then."""
        last, page = "", VIEWS_PER_PAGE
        while page == VIEWS_PER_PAGE:
            rows = await self._postgres.rows(VIEWS_SINCE, (last, at, VIEWS_PER_PAGE))
            page = len(rows)
            if rows:
                last = rows[-1][0]
                yield [orjson.loads(body) for _, body in rows]

    async def refunded(self, refund_ids: Sequence[str]) -> set[tuple[str, str, str]]:
        """Merchant, refund and payment of each refund that has one of these ids."""
        return {(row[0], row[1], row[2]) for row in await self._postgres.rows(REFUNDED, (list(refund_ids),))}

    async def close(self) -> None:
        await self._postgres.close()


def payment_to_keep(view: View) -> Fields:
    return {
        "body": view,
        "merchant": view["merchant"],
        "sequence": view["sequence"],
        "status": view["status"],
        "amount": view["amount"],
        "currency": view["currency"],
        "customer": storable(view["customer"]),
        "metadata": storable_metadata(view),
        "metadata_digests": metadata_digests(view),
        "payment_intent": storable(view["provider"]["payment_intent"]),
        "created_at": datetime.fromisoformat(view["created_at"]),
        "updated_at": datetime.fromisoformat(view["updated_at"]),
    }


def refund_to_keep(view: View, refund: View) -> Fields:
    return {
        "body": refund,
        "merchant": view["merchant"],
        "sequence": view["sequence"],
        "status": refund["status"],
        "amount": refund["amount"],
        "created_at": datetime.fromisoformat(refund["created_at"]),
        "updated_at": datetime.fromisoformat(refund["updated_at"]),
    }


def event_digest(event: EventRecord) -> bytes:
    """Of all that is kept of an event. Raises InvariantBroken for one that cannot be."""
    return _digest(event_row(event))


def _digest(row: tuple[Any, ...]) -> bytes:
    *columns, at, causation_id, body, for_operators = row
    moment = at if isinstance(at, datetime) else datetime.fromisoformat(at)
    told = [_members(text) for text in (body, for_operators or "{}")]
    parts = (*columns, moment.astimezone(UTC), causation_id, *told)
    return hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=DIGEST_BYTES).digest()


def _members(text: str) -> bytes:
    """What is null says nothing: a member that a later version adds is null of what was kept before it."""
    told = readable(text)
    if not isinstance(told, dict):
        return text.encode(errors="replace")  # somebody else's: it differs from every event
    members = {name: value for name, value in told.items() if value is not None}
    return orjson.dumps(members, option=orjson.OPT_SORT_KEYS)


def readable(text: str) -> Any:
    """JSON as PostgreSQL keeps it; the text itself where it takes what is none to us (half a surrogate pair)."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _payment(body: str, columns: list[Any]) -> Fields:
    names = (
        *("merchant", "sequence", "status", "amount", "currency", "customer", "metadata", "metadata_digests"),
        *("payment_intent", "created_at", "updated_at"),
    )
    found = dict(zip(names, columns, strict=True))
    return {"body": readable(body), **found, "metadata": readable(found["metadata"])}


def _refund(body: str, columns: list[Any]) -> Fields:
    names = ("merchant", "sequence", "status", "amount", "created_at", "updated_at")
    return {"body": readable(body), **dict(zip(names, columns, strict=True))}
