"""Reading the sums of analytics, each merchant their own: one query whatever is asked. Moving them is `analytics.py`."""

import json
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from models.figures import Sum, Wanted
from streams.adapters.postgres.connections import Postgres
from streams.adapters.postgres.rows import storable

SUMS = """
SELECT currency, at, json_object_agg(measure, value)::text FROM (
    SELECT currency, {begins_at} AS at, measure, sum(value) AS value FROM analytics.rollups
    WHERE merchant = %s AND ({spans}) AND value <> 0{filters}
    GROUP BY currency, measure{by_bucket}
) AS sums GROUP BY currency, at
"""
SPAN = "interval = %s AND begins_at >= %s AND begins_at < %s"


class PostgresAnalyticsReader:
    """Fulfils AnalyticsReader."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def sums(self, wanted: Wanted) -> Sequence[Sum]:
        filters = [("currency", wanted.currency), ("method", wanted.method)]
        given = [(name, storable(value)) for name, value in filters if value is not None]
        sql = SUMS.format(
            begins_at="begins_at" if wanted.by_bucket else "min(begins_at)",
            spans=" OR ".join(f"({SPAN})" for _ in wanted.spans),
            filters="".join(f" AND {name} = %s" for name, _ in given),
            by_bucket=", begins_at" if wanted.by_bucket else "",
        )
        parameters: list[Any] = [storable(wanted.merchant)]
        parameters += [value for span in wanted.spans for value in span]
        rows = await self._postgres.rows(sql, [*parameters, *(value for _, value in given)])
        return [
            Sum(currency, at.astimezone(UTC), measure, value)
            for currency, at, sums in rows
            for measure, value in json.loads(sums).items()  # which reads integers of any length
        ]
