"""Fresh tables beside the projection's own, and the switch from these to those. What is written into them is `store.py`'s, and
what is read of the log is not known here.

    millrace_rebuilt     fresh tables, made by the migrations themselves
    millrace_replaced    the tables that were live, from the switch until they are dropped

Tables move from schema to schema, with their indexes and constraints: names stay what the migrations expect. One session does
everything: `rebuild_session.py`.
"""

import time
from collections.abc import Collection
from typing import NamedTuple

from psycopg2.errors import LockNotAvailable
from psycopg2.extensions import make_dsn, parse_dsn
from psycopg2.sql import SQL, Composed, Identifier

from streams.adapters.postgres import differing, hanging
from streams.adapters.postgres.migrating import MIGRATION_LOCK, migrate
from streams.adapters.postgres.projected import PROJECTED
from streams.adapters.postgres.rebuild_session import (
    HELD_IDLE_MAX_S,
    WRITERS_WAIT_S,
    Hindered,
    RebuildSession,
)

REBUILT, REPLACED = "millrace_rebuilt", "millrace_replaced"
REPLAY_LOCK = MIGRATION_LOCK + 1
READERS_WAIT_MS = 50  # how long readers may queue behind the switch while it waits for one of them
SWITCH_TRIES, SWITCH_PAUSE_S = 200, 0.05

LIVE = """
SELECT nspname FROM pg_namespace JOIN pg_class ON pg_namespace.oid = relnamespace WHERE pg_class.oid = to_regclass('payments')
"""
INDEXES = """
SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = %s
AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = format('%%I.%%I', schemaname, indexname)::regclass)
"""


class Switched(NamedTuple):
    """How long others waited, in ms."""

    writers_ms: float
    readers_ms: float


class Rebuilding(RebuildSession):
    lock, held = REPLAY_LOCK, "another replay is under way"

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self._live = self._step = ""
        self._indexes: list[str] = []
        self._locked_at = 0.0

    @property
    def fresh_dsn(self) -> str:
        """Connections that see the fresh tables under their usual names. What they commit is durable with the switch."""
        given = parse_dsn(self._dsn).get("options", "")
        return make_dsn(
            self._dsn, options=f"{given} -c search_path={REBUILT} -c synchronous_commit=off".strip()
        )

    def prepare(self) -> None:
        """Fresh, empty tables; what a replay before this one left is gone."""
        with self._translated():
            found = self._ask(LIVE)
            if not found:
                raise Hindered("there are no tables yet: `python -m streams.adapters.postgres migrate`")
            self._live = found[0][0]
            self.clear()
            self._ask(SQL("CREATE SCHEMA {}").format(Identifier(REBUILT)))
            _, newest = migrate(self.fresh_dsn)
            self._step = self._step_of(self._live)
            if newest != self._step:
                raise Hindered(
                    f"the tables are at step {self._step}, this program at {newest}: migrate first"
                )
            for (name,) in self._ask("SELECT tablename FROM pg_tables WHERE schemaname = %s", REBUILT):
                if name not in PROJECTED:
                    self._ask(SQL("DROP TABLE {} CASCADE").format(Identifier(REBUILT, name)))
            self._refuse_what_would_be_lost()
            self._put_indexes_off()

    def finish(self) -> None:
        """The indexes, made at once: kept up row by row they take most of the time. And statistics, so that the first queries
        after the switch are planned as well as the last before.
        """
        with self._translated():
            for definition in self._indexes:
                self._ask(definition)
            self._indexes = []
            self._ask(SQL("ANALYZE {}").format(_names(REBUILT)))

    def compare(self, payments: Collection[str] | None = None) -> None:
        """Note where live and fresh tables differ; `payments`: only in these, and in what differed before."""
        with self._translated():
            differing.note(self._ask, self._live, REBUILT, payments)

    def excuse(self, payments: Collection[str]) -> None:
        """Those that the projection was about to take in, in what was noted."""
        with self._translated():
            differing.excuse(self._ask, payments)

    def found(self) -> differing.Noted:
        """What the last comparison noted. Before the switch: it reads samples from both."""
        with self._translated():
            return differing.noted(self._ask, self._live, REBUILT)

    def hold_writers(self) -> None:
        """Nothing is written into the live tables from now on, until `switch` or `release`; they can be read."""
        with self._translated():
            self._ask("BEGIN")
            self._ask("SELECT pg_advisory_xact_lock(%s)", MIGRATION_LOCK)
            if self._step_of(self._live) != self._step:
                raise Hindered("the tables were migrated meanwhile: begin anew")
            self._ask(f"SET LOCAL lock_timeout = '{WRITERS_WAIT_S}s'")
            self._ask(f"SET LOCAL idle_in_transaction_session_timeout = '{HELD_IDLE_MAX_S}s'")
            self._locked_at = time.monotonic()
            self._ask(SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(_names(self._live)))

    def release(self) -> float:
        """Everything as it was. How long writers waited, in ms."""
        with self._translated():
            self._ask("ROLLBACK")
        return (time.monotonic() - self._locked_at) * 1000

    def switch(self) -> Switched:
        """The fresh tables are the live ones from now on."""
        with self._translated():
            self._refuse_what_would_be_lost()
            self._ask(SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(_names(REBUILT)))
            hanging.take_over(self._ask, self._live, REBUILT)
            self._ask(SQL("CREATE SCHEMA {}").format(Identifier(REPLACED)))
            asked_at = self._hold_readers()
            for name in PROJECTED:
                self._move(self._live, name, REPLACED)
                self._move(REBUILT, name, self._live)
            self._ask("COMMIT")
            now = time.monotonic()
        return Switched((now - self._locked_at) * 1000, (now - asked_at) * 1000)

    def clear(self) -> None:
        """Drop what is not live."""
        with self._translated():
            for schema in (REBUILT, REPLACED):
                self._ask(SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(schema)))

    def _hold_readers(self) -> float:
        """When they began to wait. Who waits for a reader holds up all readers after it, so it never waits for long."""
        for _ in range(SWITCH_TRIES):
            self._ask("SAVEPOINT before")
            self._ask(f"SET LOCAL lock_timeout = '{READERS_WAIT_MS}ms'")
            asked_at = time.monotonic()
            try:
                self._ask(SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(_names(self._live)))
                return asked_at
            except LockNotAvailable:
                self._ask("ROLLBACK TO SAVEPOINT before")
                time.sleep(SWITCH_PAUSE_S)
        raise Hindered("somebody reads the live tables all the time: see pg_stat_activity")

    def _refuse_what_would_be_lost(self) -> None:
        lost = hanging.would_be_lost(self._ask, self._live, REBUILT)
        if lost:
            raise Hindered(f"a switch would lose what hangs on the tables: {', '.join(lost)}")

    def _put_indexes_off(self) -> None:
        """All but those of the keys."""
        for name, definition in self._ask(INDEXES, REBUILT):
            self._indexes.append(definition)
            self._ask(SQL("DROP INDEX {}").format(Identifier(REBUILT, name)))

    def _move(self, schema: str, name: str, to: str) -> None:
        self._ask(SQL("ALTER TABLE {} SET SCHEMA {}").format(Identifier(schema, name), Identifier(to)))

    def _step_of(self, schema: str) -> str:
        (row,) = self._ask(SQL("SELECT version_num FROM {}").format(Identifier(schema, "alembic_version")))
        return str(row[0])


def _names(schema: str) -> Composed:
    return SQL(", ").join(Identifier(schema, name) for name in PROJECTED)
