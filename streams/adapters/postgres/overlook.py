"""What operators see of all merchants together: whose payments there are, how they went of late. One's are `reader.py`'s."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from models.ports import PaymentFilter, View
from streams.adapters.postgres.connections import Postgres
from streams.adapters.postgres.reader import PostgresPaymentReader
from streams.adapters.postgres.rows import storable

MERCHANTS_MAX = 200
"""Looked through for one page: a look each, by an index that is there."""
LOOKS_AT_ONCE = 2
"""Of the connections that whoever reads a payment waits for, too: a page is drawn twice a second while payments come."""
BIN_S, WINDOW_S = 10, 600
TIMED_MAX = 2_000
"""Payments of a merchant whose time is looked up: the newest; enough for percentiles."""

# a skip from merchant to merchant along the index, not a look at every payment
WHOSE = """
WITH RECURSIVE whose(merchant) AS (
    (SELECT merchant FROM payments ORDER BY merchant LIMIT 1)
    UNION ALL
    SELECT (SELECT p.merchant FROM payments p WHERE p.merchant > w.merchant ORDER BY p.merchant LIMIT 1)
    FROM whose w WHERE w.merchant IS NOT NULL
)
"""
MERCHANTS = "".join(
    (
        WHOSE,
        """
SELECT w.merchant FROM whose w CROSS JOIN LATERAL (
    SELECT created_at FROM payments WHERE merchant = w.merchant ORDER BY created_at DESC, id DESC LIMIT 1
) last
ORDER BY last.created_at DESC, w.merchant LIMIT %s
""",
    )
)
PAYMENT = "SELECT body::text FROM payments WHERE id = %s"
IN_DOUBT = """
SELECT (SELECT count(*) FROM payments WHERE status IN ('unknown', 'manual_review'))
    + (SELECT count(*) FROM refunds WHERE status IN ('unknown', 'manual_review'))
"""
COUNTED = "".join(
    (
        WHOSE,
        """
SELECT to_timestamp(floor(extract(epoch FROM p.created_at) / %s) * %s) AS at, count(*),
    count(*) FILTER (WHERE p.status IN ('authorized', 'captured')),
    count(*) FILTER (WHERE p.status IN ('authorized', 'captured', 'declined'))
FROM whose w JOIN payments p ON p.merchant = w.merchant AND p.created_at > now() - make_interval(secs => %s)
GROUP BY 1 ORDER BY 1
""",
    )
)
TIMED = "".join(
    (
        WHOSE,
        """
SELECT to_timestamp(floor(extract(epoch FROM p.created_at) / %s) * %s) AS at,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY e.s), percentile_cont(0.95) WITHIN GROUP (ORDER BY e.s)
FROM whose w
CROSS JOIN LATERAL (
    SELECT id, created_at FROM payments
    WHERE merchant = w.merchant AND created_at > now() - make_interval(secs => %s)
    ORDER BY created_at DESC, id DESC LIMIT %s
) p
CROSS JOIN LATERAL (
    SELECT greatest(0, extract(epoch FROM at - p.created_at))::float8 AS s FROM payment_events
    WHERE payment_id = p.id AND type IN ('payment.authorized.v1', 'payment.captured.v1', 'payment.declined.v1')
    ORDER BY sequence LIMIT 1
) e
GROUP BY 1
""",
    )
)


@dataclass(frozen=True, slots=True)
class Bin:
    """BIN_S seconds from `at` on, by when payments were made. `p50_s`, `p95_s`: until the first was decided; None: none was."""

    at: datetime
    made: int
    succeeded: int
    decided: int
    p50_s: float | None
    p95_s: float | None


class Overlook:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres, self._reader = postgres, PostgresPaymentReader(postgres)
        self._places = asyncio.Semaphore(LOOKS_AT_ONCE)

    async def payments(self, merchant: str | None, where: PaymentFilter, most: int) -> list[View]:
        """The newest of one merchant's, or of everybody's. Raises Unavailable."""
        whose = [merchant] if merchant else await self.merchants()
        pages = await asyncio.gather(*(self._newest(each, where, most) for each in whose))
        found = [view for page in pages for view in page]
        return sorted(found, key=lambda view: (view["created_at"], view["id"]), reverse=True)[:most]

    async def _newest(self, merchant: str, where: PaymentFilter, most: int) -> list[View]:
        async with self._places:
            return list((await self._reader.payments(merchant, where, most, None, None)).data)

    async def payment(self, payment_id: str) -> View | None:
        """Whosever it is. Raises Unavailable."""
        found = await self._postgres.rows(PAYMENT, (storable(payment_id),))
        return orjson.loads(found[0][0]) if found else None

    async def merchants(self) -> Sequence[str]:
        """At most MERCHANTS_MAX, who had a payment last first: the newest payments are theirs. Raises Unavailable."""
        return [merchant for (merchant,) in await self._postgres.rows(MERCHANTS, (MERCHANTS_MAX,))]

    async def in_doubt(self) -> int:
        """Payments and refunds whose end nobody knows: there is an index of them. Raises Unavailable."""
        return int((await self._postgres.rows(IN_DOUBT))[0][0])

    async def lately(self) -> list[Bin]:
        """The last WINDOW_S; where nothing was made there is none. Raises Unavailable."""
        counted, timed = await asyncio.gather(
            self._postgres.rows(COUNTED, (BIN_S, BIN_S, WINDOW_S)),
            self._postgres.rows(TIMED, (BIN_S, BIN_S, WINDOW_S, TIMED_MAX)),
        )
        times = {at: (p50, p95) for at, p50, p95 in timed}
        return [
            Bin(at, made, good, decided, *times.get(at, (None, None))) for at, made, good, decided in counted
        ]
