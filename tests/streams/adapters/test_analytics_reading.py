"""The contract of AnalyticsReader, held by PostgreSQL and by the fake: the same facts, the same sums, however asked for."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from models.analytics import DAY, HOUR, MINUTE
from models.errors import Unavailable
from models.figures import Span, Told, Wanted, declines, spans, summary, timeseries, widened
from models.ports import AnalyticsReader
from streams.adapters.postgres.analytics import PostgresAnalytics
from streams.adapters.postgres.analytics_reader import PostgresAnalyticsReader
from streams.adapters.postgres.connections import Postgres
from tests.analytics import START, fact, stories
from tests.fakes import FakeAnalytics
from tests.streams.adapters.servers import run_sql

pytestmark = pytest.mark.real

TOLD = [*stories(200, seed=8), fact("pay_else", merchant="mer_1", method="other", amount=77)]
WHOLE = widened(START - timedelta(days=1), START + timedelta(days=40, minutes=7), MINUTE)


@pytest_asyncio.fixture(params=["fake", "postgres"])
async def reader(request: pytest.FixtureRequest) -> AsyncIterator[AnalyticsReader]:
    if request.param == "fake":
        fake = FakeAnalytics()
        fake.facts = TOLD
        yield fake
        return
    dsn = request.getfixturevalue("database")
    run_sql(dsn, "TRUNCATE analytics.facts, analytics.rollups")
    store, postgres = PostgresAnalytics(dsn), Postgres(dsn)
    await store.take_in(TOLD)
    yield PostgresAnalyticsReader(postgres)
    await store.close()
    await postgres.close()


async def test_a_range_tells_the_same_by_minutes_hours_and_days_as_in_as_few_buckets_as_there_can_be(
    reader: AnalyticsReader,
) -> None:
    few = await reader.sums(Wanted("mer_1", spans(WHOLE)))
    minutes = await reader.sums(Wanted("mer_1", (WHOLE,)))
    assert len(few) < len(minutes)
    assert _without_age(few) == _without_age(minutes)
    mine = {each.payment: each.amount for each in TOLD if each.merchant == "mer_1" and each.currency == "usd"}
    [usd] = [each for each in summary(few, WHOLE) if each["currency"] == "usd"]
    assert (usd["payments"], usd["gross"]) == (len(mine), sum(mine.values()))


async def test_a_series_adds_up_to_the_whole(reader: AnalyticsReader) -> None:
    days = widened(WHOLE.begins_at, WHOLE.ends_at, DAY)
    [usd] = summary(await reader.sums(Wanted("mer_1", (days,), currency="usd")), days)
    for interval in (MINUTE, HOUR, DAY):
        span = Span(interval, days.begins_at, days.ends_at)
        series = timeseries(await reader.sums(Wanted("mer_1", (span,), "usd")), span)
        assert len(series) > 1
        for member in ("payments", "gross", "captured", "refunded", "disputed", "net", "settled", "unknown"):
            assert sum(each[member] for each in series) == usd[member], (interval, member)


async def test_no_more_is_read_than_shows_that_it_is_too_much(
    reader: AnalyticsReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(await reader.sums(Wanted("mer_1", (WHOLE,)))) > 3
    monkeypatch.setattr("models.figures.SUMS_MAX", 2)
    assert len(await reader.sums(Wanted("mer_1", (WHOLE,)))) == 3


async def test_filters_leave_out_what_they_say_and_an_end_is_exclusive(reader: AnalyticsReader) -> None:
    other = await reader.sums(Wanted("mer_1", (WHOLE,), method="other"))
    assert [(each.begins_at, each.sums["gross"]) for each in other] == [
        (datetime(2026, 1, 31, 23, 58, tzinfo=UTC), 77)
    ]
    assert {each.currency for each in await reader.sums(Wanted("mer_1", (WHOLE,), currency="jpy"))} == {"jpy"}
    until = Span(MINUTE, WHOLE.begins_at, datetime(2026, 1, 31, 23, 58, tzinfo=UTC))
    assert list(await reader.sums(Wanted("mer_1", (until,), method="other"))) == []
    assert len(declines(await reader.sums(Wanted("mer_2", (WHOLE,), currency="usd")), WHOLE)) == 2


async def test_another_merchants_sums_are_not_among_ones_own(reader: AnalyticsReader) -> None:
    assert list(await reader.sums(Wanted("mer_0", spans(WHOLE)))) == []
    assert list(await reader.sums(Wanted("mer_1' OR '1'='1", spans(WHOLE)))) == []


async def test_a_store_that_is_away_is_said_to_be() -> None:
    fake, postgres = FakeAnalytics(), Postgres("postgresql://nobody@127.0.0.1:1/none")
    fake.away = True
    for away in (fake, PostgresAnalyticsReader(postgres)):
        with pytest.raises(Unavailable):
            await away.sums(Wanted("mer_1", (WHOLE,)))


def _without_age(told: Sequence[Told]) -> list[dict[str, object]]:
    """By days it is known to a day since when there is a doubt."""
    return [{**each, "unknown_since": None} for each in summary(told, WHOLE)]
