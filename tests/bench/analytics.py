"""Reading analytics: how long a summary and a series take over the sums of ten million facts, in a real PostgreSQL.

The facts are not written out: sums are all that is read. They are what ten million payments of one merchant leave, spread over a
year of minutes, two currencies and two methods, beside as many sums of others.
"""

import asyncio
import statistics
import time
from datetime import UTC, datetime, timedelta

from models import figures
from models.analytics import DAY, HOUR, MINUTE
from models.figures import Span, Wanted
from sandbox.testing import Servers
from streams.adapters.postgres.analytics_reader import PostgresAnalyticsReader
from streams.adapters.postgres.connections import Postgres
from streams.adapters.postgres.migrating import migrate
from streams.delivery.memory import freeze
from tests.bench.report import Report, spread
from tests.streams.adapters.servers import run_sql

FACTS = 10_000_000
READS = 20
BEGINS_AT = datetime(2025, 1, 1, tzinfo=UTC)
ENDS_AT = BEGINS_AT + timedelta(days=365)
MINUTES = 30 * 24 * 60
"""Of the last month: what is older is read by hours and days, and a year of minutes would only take longer to write."""

MEASURES = (
    "status:captured", "status:declined", "gross", "captured", "refunded", "payments_authorized", "payments_captured",
    "payments_refunded", "settled_within:1", "settled_within:2", "settled_within:5", "decline:insufficient", "decline:lost_card",
)  # fmt: skip
FILLED = """
INSERT INTO analytics.rollups (merchant, currency, method, interval, begins_at, sums)
SELECT merchant, currency, method, %s, at, (SELECT jsonb_object_agg(measure, greatest(1, %s / 4)) FROM unnest(%s) AS measure)
FROM unnest(ARRAY['mer_bench', 'mer_other']) AS merchant, unnest(ARRAY['usd', 'eur']) AS currency,
     unnest(ARRAY['card', 'other']) AS method,
     generate_series(%s::timestamptz, %s::timestamptz - %s::interval, %s::interval) AS at
"""


async def measure(servers: Servers, rounds: int, report: Report) -> None:
    dsn = servers.postgres().fresh_database()
    await asyncio.to_thread(migrate, dsn)
    await asyncio.to_thread(_fill, dsn)
    [(rows,)] = run_sql(dsn, "SELECT count(*) FROM analytics.rollups")
    postgres = Postgres(dsn, timeout_s=30.0)
    reader = PostgresAnalyticsReader(postgres)
    odd = figures.widened(BEGINS_AT + timedelta(hours=5), ENDS_AT - timedelta(hours=3, minutes=7), MINUTE)
    series = {
        "a year by days": Span(DAY, BEGINS_AT, ENDS_AT),
        "31 days by hours": Span(HOUR, ENDS_AT - timedelta(days=31), ENDS_AT),
        "a day by minutes": Span(MINUTE, ENDS_AT - timedelta(days=1), ENDS_AT),
    }
    asked = {"summary of a year, to the minute": (odd, figures.spans(odd), figures.summary)} | {
        what: (span, (span,), figures.timeseries) for what, span in series.items()
    }
    table = []
    freeze()  # as the door does
    for what, (whole, parts, tell) in asked.items():
        took_ms = [await _read(reader, whole, parts, tell) for _ in range(rounds * READS)]
        table.append([what, spread(took_ms, 1), f"{statistics.quantiles(took_ms, n=20)[-1]:.1f}"])
    await postgres.close()
    report.table(
        "Reading analytics",
        f"Over the sums of {FACTS:,} facts of one merchant and as many of another's ({rows:,} rows), until the figures are made. "
        "Median (least–most). Must: 100 ms.",
        ["what", "ms", "p95 ms"],
        table,
    )


def _fill(dsn: str) -> None:
    for interval, begins_at in (
        (DAY, BEGINS_AT),
        (HOUR, BEGINS_AT),
        (MINUTE, ENDS_AT - timedelta(minutes=MINUTES)),
    ):
        step = figures.STEPS[interval]
        each = FACTS * step // (ENDS_AT - BEGINS_AT)
        run_sql(dsn, FILLED, interval, each, list(MEASURES), begins_at, ENDS_AT, step, step)
    run_sql(dsn, "ANALYZE analytics.rollups")


async def _read(
    reader: PostgresAnalyticsReader, whole: Span, parts: tuple[Span, ...], tell: figures.Tell
) -> float:
    """In ms."""
    began = time.perf_counter()
    told = tell(await reader.sums(Wanted("mer_bench", parts)), whole)
    took_ms = (time.perf_counter() - began) * 1000
    assert {each["currency"] for each in told} == {"usd", "eur"}
    return took_ms
