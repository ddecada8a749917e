"""Analytics in PostgreSQL: facts, and the sums that move with them in the same transaction. What adds up to what is the model's.

Batches of several processes come one after the other: sums are shared, and a payment's story must not move between reading and
writing. Readers wait for nobody.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from models.analytics import Fact, difference
from streams.adapters.postgres.connections import Postgres
from streams.adapters.postgres.rows import array, storable

LIVE = "analytics"
"""The schema. Another one holds tables that are being rebuilt."""

CONNECTIONS_MAX = 2  # one batch after the other
BATCH_WITHIN_S = 15.0  # per statement; a batch waits for another's, or for a rebuild's switch

COLUMNS = ", ".join(Fact._fields)
HELD = "LOCK TABLE {schema}.facts IN SHARE ROW EXCLUSIVE MODE"
KNOWN = "SELECT {columns} FROM {schema}.facts WHERE payment = ANY(%s::text[])"
FACTS = """
INSERT INTO {schema}.facts ({columns})
SELECT * FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[],
                     %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[],
                     %s::timestamptz[])
"""
ROLLUPS = """
INSERT INTO {schema}.rollups AS kept (merchant, currency, method, interval, begins_at, sums)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::jsonb[])
ON CONFLICT (merchant, interval, begins_at, currency, method) DO UPDATE SET sums = (
    SELECT coalesce(jsonb_object_agg(measure, value), '{{}}') FROM (
        SELECT key AS measure, sum(value::numeric) AS value
        FROM (SELECT * FROM jsonb_each_text(kept.sums) UNION ALL SELECT * FROM jsonb_each_text(EXCLUDED.sums)) AS each
        GROUP BY key HAVING sum(value::numeric) <> 0
    ) AS moved
)
"""


class PostgresAnalytics:
    """Fulfils AnalyticsStore."""

    def __init__(self, dsn: str, schema: str = LIVE) -> None:
        """Connects when first asked."""
        self._postgres = Postgres(dsn, CONNECTIONS_MAX, BATCH_WITHIN_S)
        self._held, self._known, self._facts, self._rollups = (
            statement.format(schema=schema, columns=COLUMNS) for statement in (HELD, KNOWN, FACTS, ROLLUPS)
        )

    async def take_in(self, facts: Sequence[Fact]) -> None:
        """Keep what is new, and move the sums by it, in one transaction. Raises Unavailable and InvariantBroken."""

        async def work(cursor: Any) -> None:
            await cursor.execute(self._held)
            await cursor.execute(self._known, [array({fact.payment for fact in facts})])
            known = [Fact(*row) for row in await cursor.fetchall()]
            added, moves = difference(known, facts)
            if added:
                await cursor.execute(self._facts, _columns(added))
            if moves:
                rows = [(*bucket, json.dumps(sums)) for bucket, sums in moves.items()]
                await cursor.execute(self._rollups, _columns(rows))

        await self._postgres.transaction(work)

    async def close(self) -> None:
        await self._postgres.close()


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    return [array(map(_written, column)) for column in zip(*rows, strict=True)]


def _written(value: Any) -> str | int | None:
    return (
        value.isoformat()
        if isinstance(value, datetime)
        else storable(value)
        if isinstance(value, str)
        else value
    )
