"""Analytics over the whole system: live tables, whose process is killed under load, and rebuilt ones are the same to a digit."""

import asyncio
import signal
from collections.abc import Callable
from typing import Any

import pytest

from tests.streams.adapters.servers import eventually, run_sql
from tests.system.http_client import HttpClient
from tests.system.load import Load
from tests.system.operator import millrace
from tests.system.stack import System

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(240)]

POINTS = {
    "rebuild.built": "fresh tables are full, writers go on",
    "rebuild.held": "writers wait, both were compared, nothing was switched",
    "rebuild.switched": "the fresh tables are live, the old ones are not dropped",
}
FACTS = "SELECT * FROM analytics.facts ORDER BY payment, sequence"
SUMS = "SELECT * FROM analytics.rollups WHERE sums <> '{}' ORDER BY merchant, interval, begins_at, currency, method"
EVENTS = """
SELECT count(*) FROM payment_events JOIN payments ON payments.id = payment_id
WHERE sender IS NULL OR sender = payment_events.merchant
"""
LEFT_OVER = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'analytics\\_%%'"


async def test_what_was_damaged_is_put_right_from_the_log_and_live_and_rebuilt_tables_are_equal(
    system: System, http: HttpClient, load: Callable[[int], Load]
) -> None:
    made = await asyncio.gather(*(http.create(f"analytics-{number}") for number in range(10)))
    await http.refund(made[0].payment_id, "analytics-refund", amount=100)
    dsn = system.postgres.dsn
    async with load(314):
        await asyncio.to_thread(system.service.signal, "analytics-0", signal.SIGKILL)
        during = await millrace(system, "analytics", "rebuild", "--json")
        assert during.code == 0, during.err
    await _caught_up(dsn)
    live = _tables(dsn)
    again = await millrace(system, "analytics", "rebuild", "--json")
    assert (again.code, again.document["rows_that_differed"]) == (0, 0), again.err
    assert _tables(dsn) == live
    run_sql(dsn, "UPDATE analytics.rollups SET sums = sums || '{\"gross\": 1}' WHERE sums ? 'gross'")
    run_sql(dsn, "DELETE FROM analytics.facts WHERE payment = %s", made[0].payment_id)
    assert (await millrace(system, "analytics", "rebuild", "--json")).document["rows_that_differed"] > 0
    assert _tables(dsn) == live
    assert run_sql(dsn, LEFT_OVER) == []


async def test_killed_anywhere_a_rebuild_leaves_whole_tables_old_or_new_and_the_next_one_clears_up(
    system: System, http: HttpClient
) -> None:
    made = await http.create("rebuild-killed")
    dsn = system.postgres.dsn
    await _caught_up(dsn)
    whole = _tables(dsn)
    run_sql(dsn, "UPDATE analytics.facts SET amount = 1 WHERE payment = %s", made.payment_id)
    damaged = _tables(dsn)
    assert damaged != whole
    for point in POINTS:
        (system.crashpoints / point).touch()
        killed = await millrace(system, "analytics", "rebuild")
        assert killed.code == -signal.SIGKILL
        assert _tables(dsn) == (whole if point == "rebuild.switched" else damaged)
        assert run_sql(dsn, LEFT_OVER) != []
    await http.create("rebuild-killed-again")
    await _caught_up(dsn)  # the live process writes on, into whichever tables are live
    ran = await millrace(system, "analytics", "rebuild", "--json")
    assert (ran.code, ran.document["rows_that_differed"]) == (0, 0), ran.err
    assert run_sql(dsn, LEFT_OVER) == []


def _tables(dsn: str) -> Any:
    return run_sql(dsn, FACTS), run_sql(dsn, SUMS)


async def _caught_up(dsn: str) -> None:
    """Nothing moves any more, and analytics has a fact of each event that tells of a payment."""
    seen: list[Any] = []

    async def rests() -> bool:
        await asyncio.sleep(1)
        seen.append((run_sql(dsn, EVENTS), run_sql(dsn, "SELECT count(*) FROM analytics.facts")))
        return len(seen) > 2 and seen[-1] == seen[-2] == seen[-3] and seen[-1][0] == seen[-1][1]

    await eventually(rests, within_s=60)
