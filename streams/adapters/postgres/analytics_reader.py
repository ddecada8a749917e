"""Reading the sums of analytics, each merchant their own: one query whatever is asked. Moving them is `analytics.py`."""

import json
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from models import figures
from models.figures import Told, Wanted
from streams.adapters.postgres.connections import Postgres
from streams.adapters.postgres.rows import storable

SUMS = """
SELECT currency, begins_at, sums::text FROM analytics.rollups
WHERE merchant = %s AND ({spans}) AND sums <> '{{}}'{filters} LIMIT %s
"""
SPAN = "interval = %s AND begins_at >= %s AND begins_at < %s"


class PostgresAnalyticsReader:
    """Fulfils AnalyticsReader."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def sums(self, wanted: Wanted) -> Sequence[Told]:
        filters = [("currency", wanted.currency), ("method", wanted.method)]
        given = [(name, storable(value)) for name, value in filters if value is not None]
        sql = SUMS.format(
            spans=" OR ".join(f"({SPAN})" for _ in wanted.spans),
            filters="".join(f" AND {name} = %s" for name, _ in given),
        )
        parameters: list[Any] = [storable(wanted.merchant)]
        parameters += [value for span in wanted.spans for value in span]
        parameters += [*(value for _, value in given), figures.SUMS_MAX + 1]
        rows = await self._postgres.rows(sql, parameters)
        # all at once, which takes half the time; integers of any length are read as such
        sums = json.loads(f"[{','.join(text for *_, text in rows)}]")
        return [
            Told(currency, at.astimezone(UTC), each)
            for (currency, at, _), each in zip(rows, sums, strict=True)
        ]
