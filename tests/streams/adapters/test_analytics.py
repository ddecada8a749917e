"""Facts and sums in a real PostgreSQL: what comes twice, late, from two processes or through a killed server adds up the same."""

import asyncio
import json
import random
from typing import Any

import pytest

from agents.analytics import take_in
from models.analytics import Fact, Sums, difference
from sandbox.testing import PostgresServer
from streams.adapters.postgres.analytics import PostgresAnalytics
from streams.adapters.postgres.analytics_rebuilding import REBUILT, AnalyticsRebuilding
from streams.adapters.postgres.rebuild_session import Hindered
from tests.analytics import fact, stories
from tests.streams.adapters.servers import run_sql

pytestmark = pytest.mark.real

SUMS = "SELECT merchant, currency, method, interval, begins_at, sums::text FROM analytics.rollups WHERE sums <> '{}'"
OWNER = "SELECT relowner::regrole::text FROM pg_class WHERE oid = %s::regclass"
GHOST = """INSERT INTO analytics.rollups SELECT 'mer_ghost', 'usd', 'card', 'day', now(), '{"gross": 7}'"""


@pytest.fixture
def empty(database: str) -> str:
    run_sql(database, "TRUNCATE analytics.facts, analytics.rollups")
    return database


def expected(told: list[Fact]) -> dict[Any, Sums]:
    return dict(difference([], told)[1])


def kept(dsn: str) -> dict[Any, Sums]:
    return {tuple(bucket): json.loads(str(sums)) for *bucket, sums in run_sql(dsn, SUMS)}


def batches(told: list[Fact], seed: int) -> list[list[Fact]]:
    """Everything at least once, half of it twice, in no order."""
    draw = random.Random(seed)
    arriving = told + draw.sample(told, len(told) // 2)
    draw.shuffle(arriving)
    return [arriving[start : start + 37] for start in range(0, len(arriving), 37)]


async def test_two_processes_with_the_same_payments_in_any_order_keep_the_same_sums(empty: str) -> None:
    told = stories(200, seed=1)
    first, second = PostgresAnalytics(empty), PostgresAnalytics(empty)

    async def feed(store: PostgresAnalytics, seed: int) -> None:
        for batch in batches(told, seed):
            await store.take_in(batch)

    await asyncio.gather(feed(first, 2), feed(second, 3))
    await asyncio.gather(first.close(), second.close())
    assert kept(empty) == expected(told)
    assert run_sql(empty, "SELECT count(*) FROM analytics.facts") == [(len(told),)]


async def test_a_server_killed_in_the_midst_costs_nothing_and_counts_nothing_twice(
    empty: str, postgres: PostgresServer
) -> None:
    told = stories(150, seed=4)
    store = PostgresAnalytics(empty)

    async def feed() -> None:
        for batch in batches(told, 5):
            assert await take_in(batch, store) == []

    feeding = asyncio.create_task(feed())
    try:
        await asyncio.sleep(0.05)
        assert not feeding.done()
        await asyncio.to_thread(postgres.kill)
    finally:
        await asyncio.to_thread(postgres.start)
    await asyncio.wait_for(feeding, 60)
    await store.close()
    assert kept(empty) == expected(told)


async def test_sums_are_exact_beyond_what_bigint_and_floats_hold_and_one_that_comes_back_to_nought_is_gone(
    empty: str,
) -> None:
    store = PostgresAnalytics(empty)
    most = 2**63 - 1
    for number in range(3):
        await store.take_in([fact(f"pay_{number}", amount=most, disputed=most)])
    await store.take_in([fact(f"pay_{number}", 2, 5, amount=most) for number in range(3)])
    await store.close()
    [day] = [sums for bucket, sums in kept(empty).items() if bucket[3] == "day"]
    assert (day["gross"], day.get("disputed"), day["payments_disputed"]) == (3 * most, None, 3)


async def test_what_cannot_be_kept_is_told_and_stops_nobody(empty: str) -> None:
    store = PostgresAnalytics(empty)
    bad = fact("pay_bad", amount=2**70)
    assert await take_in([fact("pay_a"), bad, fact("pay_b")], store) == [bad]
    await store.close()
    assert kept(empty) == expected([fact("pay_a"), fact("pay_b")])


async def test_tables_are_switched_beside_a_process_that_goes_on_and_lose_nothing_of_what_it_keeps(
    empty: str,
) -> None:
    told = stories(150, seed=6)
    live, fresh = PostgresAnalytics(empty), PostgresAnalytics(empty, REBUILT)
    run_sql(empty, GHOST)

    async def feed() -> None:
        for batch in batches(told, 7):
            assert await take_in(batch, live) == []

    with AnalyticsRebuilding(empty) as tables:
        tables.prepare()
        feeding = asyncio.create_task(feed())
        await fresh.take_in(told[:200])
        await asyncio.to_thread(tables.hold_writers)
        await fresh.take_in(told[200:])
        assert await asyncio.to_thread(tables.differing) > 0
        await asyncio.to_thread(tables.switch)
    await feeding
    await asyncio.gather(live.close(), fresh.close())
    assert kept(empty) == expected(told)


@pytest.mark.parametrize(
    ("made", "taken_away", "named"),
    [
        ("CREATE VIEW volumes AS SELECT * FROM analytics.rollups", "DROP VIEW volumes", "view volumes"),
        ("CREATE INDEX own ON analytics.facts (merchant)", "DROP INDEX analytics.own", "index own"),
    ],
)
def test_what_hangs_on_the_live_tables_is_not_lost_but_named(
    empty: str, made: str, taken_away: str, named: str
) -> None:
    run_sql(empty, made)
    try:
        with AnalyticsRebuilding(empty) as tables, pytest.raises(Hindered, match=named):
            tables.prepare()
    finally:
        run_sql(empty, taken_away)


def test_who_owned_or_could_read_and_write_the_tables_still_does_after_a_rebuild(empty: str) -> None:
    """Analytics may run under another role than who rebuilds."""
    ours = ("facts", "rollups")
    was = [run_sql(empty, OWNER, f"analytics.{name}") for name in ours]
    run_sql(
        empty, "CREATE ROLE counting; CREATE ROLE reporting; GRANT SELECT ON analytics.rollups TO reporting"
    )
    run_sql(empty, "ALTER TABLE analytics.facts OWNER TO counting")
    try:
        with AnalyticsRebuilding(empty) as tables:
            tables.prepare()
            tables.hold_writers()
            tables.switch()
        (facts,), (rollups,) = (run_sql(empty, OWNER, f"analytics.{name}") for name in ours)
        assert facts == ("counting",) and [rollups] == was[1]
        can = "SELECT has_table_privilege('reporting', %s, 'SELECT')"
        assert [run_sql(empty, can, f"analytics.{name}")[0][0] for name in ours] == [False, True]
    finally:
        run_sql(empty, f"ALTER TABLE analytics.facts OWNER TO {was[0][0][0]}")
        run_sql(empty, "DROP OWNED BY counting, reporting; DROP ROLE counting, reporting")


def test_tables_that_were_migrated_meanwhile_are_not_switched(empty: str) -> None:
    with AnalyticsRebuilding(empty) as tables:
        tables.prepare()
        [(step,)] = run_sql(empty, "SELECT version_num FROM alembic_version")
        run_sql(empty, "UPDATE alembic_version SET version_num = 'later'")
        try:
            with pytest.raises(Hindered, match="migrated meanwhile"):
                tables.hold_writers()
        finally:
            run_sql(empty, "UPDATE alembic_version SET version_num = %s", step)


def test_two_rebuilds_at_once_are_refused_and_one_that_is_given_up_leaves_the_live_tables(empty: str) -> None:
    run_sql(empty, GHOST)
    with AnalyticsRebuilding(empty) as tables, pytest.raises(Hindered):
        tables.prepare()
        tables.hold_writers()
        AnalyticsRebuilding(empty).__enter__()
    assert list(kept(empty).values()) == [{"gross": 7}]
    assert run_sql(empty, "SELECT count(*) FROM pg_namespace WHERE nspname = %s", REBUILT) == [(0,)]
