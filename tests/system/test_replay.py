"""`millrace replay` over the whole system: whatever was done to PostgreSQL and the cache is put right from the log while payments
go on being made; nobody who reads notices, and whoever kills it leaves the old tables or the new ones.
"""

import asyncio
import json
import signal
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from redis.asyncio import Redis

from streams.adapters.postgres.migrating import MIGRATION_LOCK
from streams.adapters.redis_cache import PREFIX
from tests.streams.adapters.servers import run_sql
from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.load import Load
from tests.system.operator import millrace
from tests.system.stack import System

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(240)]

POINTS = {
    "replay.built": "fresh tables are full, nothing was compared",
    "replay.held": "writers wait, nothing was switched",
    "replay.switched": "the fresh tables are live, the old ones are not dropped",
}
NOBODY = f"pay_{'8' * 32}"
GHOST = """
INSERT INTO payments (id, merchant, sequence, status, amount, currency, metadata, metadata_digests, body, created_at, updated_at)
SELECT %s, merchant, sequence, status, amount, currency, metadata, metadata_digests, body, created_at, updated_at
FROM payments WHERE id = %s
"""
LEFT_OVER = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'millrace%%'"


async def test_what_was_damaged_is_named_and_put_right_while_payments_go_on_and_readers_see_no_error(
    system: System, http: HttpClient, inquest: Inquest, load: Callable[[int], Load]
) -> None:
    names = ("replay-gone", "replay-changed", "replay-ahead", "replay-cached", "replay-event")
    gone, changed, ahead, cached, event = [
        made.payment_id for made in await asyncio.gather(*map(http.create, names))
    ]
    await http.refund(changed, "replay-refund", amount=100)
    await inquest.hold()
    dsn = system.postgres.dsn
    run_sql(dsn, "DELETE FROM payments WHERE id = %s", gone)
    run_sql(dsn, "UPDATE payments SET status = 'declined' WHERE id = %s", changed)
    run_sql(dsn, "UPDATE refunds SET amount = 1 WHERE payment_id = %s", changed)
    run_sql(dsn, "UPDATE payments SET sequence = sequence + 5 WHERE id = %s", ahead)
    run_sql(dsn, "DELETE FROM payment_events WHERE payment_id = %s AND sequence = 1", event)
    run_sql(dsn, GHOST, NOBODY, changed)
    await _falsify_cache(system, cached)
    reader = _Reader(http, [changed, ahead, event])
    async with load(2718), reader:
        ran = await millrace(system, "replay", "--json")
    found = ran.document
    assert (ran.code, found["left"]) == (0, []), ran.err
    damages = {(each["table"], each["found"], each["column"]): each["rows"] for each in found["differences"]}
    assert {key: rows for key, rows in damages.items() if key[1] != "on its way"} == {
        ("payments", "missing", None): 1,
        ("payments", "otherwise", "status"): 1,
        ("payments", "otherwise", "sequence"): 1,
        ("payments", "not in the log", None): 1,
        ("refunds", "otherwise", "amount"): 1,
        ("payment_events", "missing", None): 1,
    }
    assert found["rows_that_differed"] == 6
    assert found["cache"]["dropped"] >= 2 and found["cache"]["left"] == 0
    assert reader.answers > 20 and reader.wrong == []
    await inquest.hold()


async def test_killed_anywhere_it_leaves_the_tables_as_they_were_or_new_and_the_next_one_clears_up(
    system: System, http: HttpClient, inquest: Inquest
) -> None:
    damaged = (await http.create("replay-killed")).payment_id
    await inquest.hold()
    dsn = system.postgres.dsn
    amount = "SELECT amount FROM payments WHERE id = %s"
    run_sql(dsn, "UPDATE payments SET amount = 1 WHERE id = %s", damaged)
    for point in POINTS:
        (system.crashpoints / point).touch()
        killed = await millrace(system, "replay")
        assert killed.code == -signal.SIGKILL
        assert run_sql(dsn, amount, damaged) == [(1999 if point == "replay.switched" else 1,)]
        assert run_sql(dsn, LEFT_OVER) != []
    again = (await http.create("replay-killed-again")).payment_id
    ran = await millrace(system, "replay", "--json")
    assert (ran.code, ran.document["left"], ran.document["rows_that_differed"]) == (0, [], 0), ran.err
    assert run_sql(dsn, amount, damaged) == run_sql(dsn, amount, again) == [(1999,)]
    assert run_sql(dsn, LEFT_OVER) == []
    await inquest.hold()


async def test_a_dry_run_counts_and_changes_nothing_and_a_second_one_is_refused(
    system: System, http: HttpClient, inquest: Inquest
) -> None:
    damaged = (await http.create("dry")).payment_id
    await inquest.hold()
    dsn = system.postgres.dsn
    run_sql(dsn, "UPDATE payments SET amount = 1 WHERE id = %s", damaged)
    # who is first waits for this lock, and so is there when the other comes
    with closing(psycopg2.connect(dsn)) as migrating:
        migrating.cursor().execute("SELECT pg_advisory_xact_lock(%s)", [MIGRATION_LOCK])
        both = [asyncio.create_task(millrace(system, "replay", "--dry-run", "--json")) for _ in range(2)]
        ended, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    refused, done = sorted(await asyncio.gather(*both), key=lambda ran: ran.code == 0)
    assert [each.result() for each in ended] == [refused]
    assert "another replay is under way" in refused.err
    assert (done.document["switched"], done.document["rows_that_differed"]) == (False, 1)
    assert run_sql(dsn, "SELECT amount FROM payments WHERE id = %s", damaged) == [(1,)]
    assert run_sql(dsn, LEFT_OVER) == []
    run_sql(dsn, "UPDATE payments SET amount = 1999 WHERE id = %s", damaged)
    await inquest.hold()


class _Reader:
    """`async with`: somebody reads these payments, and a page, over and over. `wrong`: what was no answer."""

    def __init__(self, http: HttpClient, payment_ids: list[str]) -> None:
        self._http, self._ids = http, payment_ids
        self._over = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self.answers = 0
        self.wrong: list[Any] = []

    async def __aenter__(self) -> None:
        self._reading = asyncio.create_task(self._read_on())

    async def __aexit__(self, *_: object) -> None:
        assert self._reading is not None
        self._over.set()
        await self._reading

    async def _read_on(self) -> None:
        paths = [*(f"/v1/payments/{id}" for id in self._ids), "/v1/payments?status=captured&limit=3"]
        while not self._over.is_set():
            for path in paths:
                status, answer = await self._http.get(path)
                self.answers += 1
                if status != 200:
                    self.wrong.append((path, status, answer))


async def _falsify_cache(system: System, payment_id: str) -> None:
    """One entry that says it is newer than anything, one that is otherwise, one of a payment nobody asked for."""
    async with Redis.from_url(system.redis.url) as redis:
        value: Any = await redis.get(PREFIX + payment_id)
        view = json.loads(value.partition(b"\n")[2])
        newer = json.dumps({**view, "sequence": 99, "status": "declined"})
        await redis.set(PREFIX + payment_id, f"99\n{newer}")
        await redis.set(PREFIX + NOBODY, "3\n" + json.dumps({**view, "id": NOBODY, "sequence": 3}))
