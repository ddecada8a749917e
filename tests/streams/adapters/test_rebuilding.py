"""Fresh tables beside the live ones, on real PostgreSQL: what is compared, what is refused, and a switch that nobody notices."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import pytest

from models.errors import Unavailable
from models.ports import Change
from streams.adapters.postgres import (
    PostgresPaymentReader,
    PostgresPaymentStore,
    audit,
    issuing,
    merchants,
    rebuild_session,
)
from streams.adapters.postgres.differing import GHOST, MISSING, OTHERWISE
from streams.adapters.postgres.projected import KEPT_ELSEWHERE, PROJECTED
from streams.adapters.postgres.rebuild_session import Hindered
from streams.adapters.postgres.rebuilding import REBUILT, REPLACED, Rebuilding
from tests.streams.adapters.payments import FIRST, change, payment_id, refund, view
from tests.streams.adapters.servers import run_sql

pytestmark = pytest.mark.real

EVERYTHING = """
SELECT tablename, indexname, replace(indexdef, 'millrace_rebuilt.', 'public.') FROM pg_indexes
WHERE schemaname = 'public' ORDER BY 1, 2
"""
SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname IN (%s, %s)"


def story(count: int) -> list[Change]:
    """What the log tells of so many payments."""
    return [change(view(number, refunds=[refund(number)])) for number in range(count)]


async def fill(dsn: str, changes: list[Change]) -> None:
    store = PostgresPaymentStore(dsn)
    await store.apply(changes)
    await store.close()


@contextmanager
def rebuilt(database: str, changes: list[Change]) -> Iterator[Rebuilding]:
    """A rebuilding that is ready to compare and to switch."""
    with Rebuilding(database) as tables:
        tables.prepare()
        asyncio.run(fill(tables.fresh_dsn, changes))
        tables.finish()
        yield tables


def test_every_table_is_the_projections_or_kept_elsewhere(database: str) -> None:
    """A replay must know each: what it does not know it would lose, or leave as it is."""
    there = {
        name for (name,) in run_sql(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    }
    assert there == {*PROJECTED, *KEPT_ELSEWHERE}


def test_each_way_to_differ_is_found_with_its_column(database: str) -> None:
    asyncio.run(fill(database, story(6)))
    run_sql(database, "DELETE FROM payments WHERE id = %s", payment_id(0))
    run_sql(database, "UPDATE payments SET status = 'canceled', sequence = 9 WHERE id = %s", payment_id(1))
    run_sql(database, "UPDATE payment_events SET body = '{}' WHERE payment_id = %s", payment_id(2))
    run_sql(database, "UPDATE refunds SET payment_id = 'pay_ghost' WHERE payment_id = %s", payment_id(3))
    with rebuilt(database, story(6)) as tables:
        tables.compare()
        found = tables.found()
    assert found.rows == 5
    assert {tuple(each) for each in found.counts} == {
        ("payments", MISSING, None, 1),
        ("payments", OTHERWISE, "status", 1),
        ("payments", OTHERWISE, "sequence", 1),
        ("payment_events", OTHERWISE, "body", 1),
        ("refunds", MISSING, None, 1),
        ("refunds", GHOST, None, 1),
    }
    (sample,) = [each for each in found.samples if "status" in each.values]
    assert sample.values == {"status": ("canceled", "captured"), "sequence": ("9", "1")}


def test_what_moved_since_the_first_comparison_is_compared_again_and_the_rest_is_not(database: str) -> None:
    asyncio.run(fill(database, story(4)))
    run_sql(database, "DELETE FROM payments WHERE id = %s", payment_id(0))
    with rebuilt(database, story(4)) as tables:
        tables.compare()
        asyncio.run(fill(tables.fresh_dsn, [change(view(1, 2, refunds=[refund(1)]))]))
        run_sql(database, "DELETE FROM refunds WHERE payment_id = %s", payment_id(3))
        tables.compare({payment_id(1)})
        keys = {(each.table, each.payment) for each in tables.found().samples}
        tables.excuse([payment_id(1)])
        assert tables.found().rows == 1
    moved = {("payments", payment_id(1)), ("refunds", payment_id(1)), ("payment_events", payment_id(1))}
    assert keys == {("payments", payment_id(0)), *moved}


def test_a_switch_heals_everything_and_leaves_names_owners_and_privileges_as_they_were(database: str) -> None:
    asyncio.run(fill(database, story(3)))
    before = run_sql(database, EVERYTHING)
    run_sql(database, "DROP ROLE IF EXISTS reporting")
    run_sql(database, "CREATE ROLE reporting; GRANT SELECT ON payments TO reporting")
    run_sql(
        database, "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reporting"
    )  # of new ones: no gain, either
    run_sql(database, "DELETE FROM payments")
    try:
        with rebuilt(database, story(3)) as tables:
            tables.hold_writers()
            tables.switch()
        assert run_sql(database, "SELECT count(*) FROM payments") == [(3,)]
        assert run_sql(database, EVERYTHING) == before
        granted = "SELECT has_table_privilege('reporting', %s, 'SELECT')"
        assert run_sql(database, granted, "payments") == [(True,)]
        assert run_sql(database, granted, "refunds") == [(False,)]
        assert run_sql(database, SCHEMAS, REBUILT, REPLACED) == []
    finally:
        run_sql(database, "DROP OWNED BY reporting; DROP ROLE reporting")


@pytest.mark.parametrize(
    ("made", "taken_away", "named"),
    [
        ("CREATE VIEW daily AS SELECT count(*) FROM payments", "DROP VIEW daily", "view daily"),
        ("CREATE INDEX own ON refunds (status)", "DROP INDEX own", "index own"),
        ("ALTER TABLE payments ADD own int", "ALTER TABLE payments DROP own", "column payments.own"),
        ("CREATE PUBLICATION out FOR TABLE payments", "DROP PUBLICATION out", "publication out"),
        (
            "CREATE FUNCTION f() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM payments; END",
            "DROP FUNCTION f",
            r"function f\(\)",
        ),
        (
            "CREATE FUNCTION g(payments) RETURNS text LANGUAGE sql AS $$ SELECT $1.id $$",
            "DROP FUNCTION g",
            r"function g\(payments\)",
        ),
        (
            "ALTER TABLE payments ADD CONSTRAINT small CHECK (amount < 10)",
            "ALTER TABLE payments DROP CONSTRAINT small",
            "check small of payments",
        ),
        (
            "CREATE STATISTICS together ON status, currency FROM payments",
            "DROP STATISTICS together",
            "statistics together",
        ),
        ("CREATE TABLE i () INHERITS (payments)", "DROP TABLE i", "table that inherits, i"),
        (
            "ALTER TABLE payments ENABLE ROW LEVEL SECURITY",
            "ALTER TABLE payments DISABLE ROW LEVEL SECURITY",
            "row security of payments",
        ),
        (
            "ALTER TABLE refunds SET (fillfactor = 80)",
            "ALTER TABLE refunds RESET (fillfactor)",
            "settings of refunds",
        ),
        ("CREATE TABLE o (id text REFERENCES payments)", "DROP TABLE o", "foreign key o_id_fkey of o"),
    ],
)
def test_what_hangs_on_the_live_tables_is_not_lost_but_named(
    database: str, made: str, taken_away: str, named: str
) -> None:
    run_sql(database, made)
    try:
        with Rebuilding(database) as tables, pytest.raises(Hindered, match=named):
            tables.prepare()
    finally:
        run_sql(database, taken_away)
    assert run_sql(database, SCHEMAS, REBUILT, REPLACED) == [], "it leaves nothing behind"


def test_of_two_at_once_the_second_is_refused_and_may_come_after_the_first(database: str) -> None:
    with rebuilt(database, story(1)), pytest.raises(Hindered, match="another replay"), Rebuilding(database):
        pass
    with Rebuilding(database):
        pass


def test_one_whose_session_dies_leaves_the_live_tables_as_they_were_and_is_cleared_up_after(
    database: str,
) -> None:
    asyncio.run(fill(database, story(2)))
    dead = Rebuilding(database)
    dead.__enter__()
    dead.prepare()
    dead.hold_writers()
    kill = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
    run_sql(database, kill)
    with pytest.raises(Unavailable):
        dead.switch()
    assert run_sql(database, "SELECT count(*) FROM payments") == [(2,)]
    assert run_sql(database, SCHEMAS, REBUILT, REPLACED) == [(REBUILT,)]
    with rebuilt(database, story(2)) as tables:
        tables.hold_writers()
        tables.switch()
    assert run_sql(database, "SELECT count(*) FROM payments") == [(2,)]


def test_whoever_is_stopped_in_the_midst_holds_writers_for_a_while_and_not_for_good(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild_session, "HELD_IDLE_MAX_S", 1)
    asyncio.run(fill(database, story(2)))
    with rebuilt(database, story(2)) as tables:
        tables.hold_writers()
        asyncio.run(fill(database, [change(view(7))]))  # its statement may wait for ten seconds
        with pytest.raises(Unavailable):
            tables.switch()
    assert run_sql(database, "SELECT count(*) FROM payments") == [(3,)]


def test_a_batch_that_waits_for_the_switch_is_kept_in_the_new_tables(database: str) -> None:
    """And whoever reads meanwhile is answered."""
    asyncio.run(fill(database, story(2)))
    with rebuilt(database, story(2)) as tables:
        tables.hold_writers()
        writing = threading.Thread(target=lambda: asyncio.run(fill(database, [change(view(7))])))
        writing.start()
        writing.join(0.3)
        assert writing.is_alive(), "writers wait"
        assert run_sql(database, "SELECT count(*) FROM payments") == [(2,)]
        tables.switch()
        writing.join(10)
    assert run_sql(database, "SELECT id FROM payments ORDER BY id DESC LIMIT 1") == [(payment_id(7),)]


def test_a_reader_that_takes_long_holds_up_the_switch_and_nobody_else(database: str) -> None:
    asyncio.run(fill(database, story(1)))
    with rebuilt(database, story(1)) as tables:
        long = psycopg2.connect(database)
        with long.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM payments")  # and its transaction stays open
            tables.hold_writers()
            switching = threading.Thread(target=tables.switch)
            switching.start()
            for _ in range(5):
                assert run_sql(database, "SET statement_timeout = 500; SELECT count(*) FROM payments") == [
                    (1,)
                ]
            assert switching.is_alive()
            long.rollback()
            switching.join(5)
            assert not switching.is_alive()
        long.close()


async def test_readers_of_the_service_see_no_error_while_tables_are_switched(
    database: str, reader: PostgresPaymentReader
) -> None:
    await fill(database, story(3))
    seen: list[object] = []
    over = asyncio.Event()

    async def read_on() -> None:
        while not over.is_set():
            seen.append(await reader.payment(FIRST, payment_id(1)))
            seen.append(await reader.refund(FIRST, refund(2)["id"]))

    def replay() -> None:
        with rebuilt(database, story(3)) as tables:
            tables.hold_writers()
            tables.switch()

    reading = asyncio.create_task(read_on())
    try:
        for _ in range(3):
            await asyncio.to_thread(replay)
    finally:
        over.set()
        await reading
    assert len(seen) > 20 and None not in seen


def test_keys_and_what_operators_did_are_nothing_to_a_switch(database: str) -> None:
    merchant = merchants.create_merchant(database, "Ann's Apples", actor="ada").id
    issuing.create_key(database, merchant, actor="ada")
    before = issuing.keys(database), audit.acts(database, merchant, None, None, 9)
    with rebuilt(database, story(1)) as tables:
        tables.hold_writers()
        tables.switch()
    assert (issuing.keys(database), audit.acts(database, merchant, None, None, 9)) == before
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        run_sql(database, "DELETE FROM audit")
    issuing.revoke_key(database, before[0][0].prefix, actor="ada")
    assert len(audit.acts(database, merchant, None, None, 9)) == 3
