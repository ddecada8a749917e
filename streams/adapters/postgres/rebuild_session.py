"""The one session that makes tables anew beside live ones, its advisory lock, and the switch from these to those. Which tables
they are, and how fresh ones are made, is known to who derives from it.

Tables move from schema to schema, with their indexes and constraints: names stay what the migrations expect. Whatever kills
the session, nothing has moved or everything, and the next one clears up.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple, Self

import psycopg2
from psycopg2.errors import LockNotAvailable
from psycopg2.extensions import parse_dsn
from psycopg2.sql import SQL, Composed, Identifier

from models.errors import Unavailable
from streams.adapters.postgres import hanging
from streams.adapters.postgres.connecting import CONNECT_WITHIN_S, VANISHED_CLIENT_CHECK_MS
from streams.adapters.postgres.migrating import MIGRATION_LOCK
from streams.adapters.postgres.statements import sentence

WRITERS_WAIT_S = 10  # for a batch that is being kept, or an autovacuum that gives way after a second
HELD_IDLE_MAX_S = 20
"""How long the server lets us hold writers without a word, for as long as Kafka is read. Whoever is stopped, or whose machine is
gone, would else hold them for good, or until TCP notices, two hours later."""
READERS_WAIT_MS = 50  # how long readers may queue behind the switch while it waits for one of them
SWITCH_TRIES, SWITCH_PAUSE_S = 200, 0.05


class Hindered(Exception):
    """It cannot be done as things stand; the message says why, and nothing was changed."""


class Switched(NamedTuple):
    """How long others waited, in ms."""

    writers_ms: float
    readers_ms: float


class RebuildSession(ABC):
    """Not asynchronous. Use as a context: the lock is held until its end. Raises Unavailable and Hindered throughout."""

    lock: int
    """An advisory lock's number."""
    held: str
    """What is said where another session has it."""
    rebuilt: str
    """The schema of the fresh tables."""
    replaced: str
    """The schema of the tables that were live, from the switch until they are dropped."""
    tables: Collection[str]
    """In the order in which whoever writes takes them."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: Any = None
        self._live = self._step = ""
        self._locked_at = 0.0

    def __enter__(self) -> Self:
        with self._translated():
            options = f"{parse_dsn(self._dsn).get('options', '')} -c statement_timeout=0 -c idle_in_transaction_session_timeout=0"
            options += f" -c client_connection_check_interval={VANISHED_CLIENT_CHECK_MS}"
            self._connection = psycopg2.connect(
                self._dsn, options=options.strip(), connect_timeout=int(CONNECT_WITHIN_S)
            )
            self._connection.autocommit = True
            if not self._ask("SELECT pg_try_advisory_lock(%s)", self.lock)[0][0]:
                self._connection.close()
                raise Hindered(self.held)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(psycopg2.Error, Unavailable):
            if not self._connection.closed:
                self._connection.cancel()  # a thread may be in the midst of a statement that nobody waits for any more
                self._ask("ROLLBACK")
                self.clear()
        self._connection.close()

    @abstractmethod
    def prepare(self) -> None:
        """Fresh, empty tables; what a session before this one left is gone. Notes the schema of the live ones, and their step."""

    def hold_writers(self) -> None:
        """Nothing is written into the live tables from now on, until `switch`, `release` or the end; they can be read."""
        with self._translated():
            self._ask("BEGIN")
            self._ask("SELECT pg_advisory_xact_lock(%s)", MIGRATION_LOCK)
            if self._step_now() != self._step:
                raise Hindered("the tables were migrated meanwhile: begin anew")
            self._ask(f"SET LOCAL lock_timeout = '{WRITERS_WAIT_S}s'")
            self._ask(f"SET LOCAL idle_in_transaction_session_timeout = '{HELD_IDLE_MAX_S}s'")
            self._locked_at = time.monotonic()
            self._ask(SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(self._all_of(self._live)))

    def release(self) -> float:
        """Everything as it was. How long writers waited, in ms."""
        with self._translated():
            self._ask("ROLLBACK")
        return (time.monotonic() - self._locked_at) * 1000

    def switch(self) -> Switched:
        """The fresh tables are the live ones from now on."""
        with self._translated():
            self._refuse_what_would_be_lost()
            self._ask(SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(self._all_of(self.rebuilt)))
            hanging.take_over(self._ask, self._live, self.rebuilt, self.tables)
            self._ask(SQL("CREATE SCHEMA {}").format(Identifier(self.replaced)))
            asked_at = self._hold_readers()
            for name in self.tables:
                self._move(self._live, name, self.replaced)
                self._move(self.rebuilt, name, self._live)
            self._ask("COMMIT")
            now = time.monotonic()
        return Switched((now - self._locked_at) * 1000, (now - asked_at) * 1000)

    def clear(self) -> None:
        """Drop what is not live."""
        with self._translated():
            for schema in (self.rebuilt, self.replaced):
                self._ask(SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(schema)))

    def _hold_readers(self) -> float:
        """When they began to wait. Who waits for a reader holds up all readers after it, so it never waits for long."""
        for _ in range(SWITCH_TRIES):
            self._ask("SAVEPOINT before")
            self._ask(f"SET LOCAL lock_timeout = '{READERS_WAIT_MS}ms'")
            asked_at = time.monotonic()
            try:
                self._ask(SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(self._all_of(self._live)))
                return asked_at
            except LockNotAvailable:
                self._ask("ROLLBACK TO SAVEPOINT before")
                time.sleep(SWITCH_PAUSE_S)
        raise Hindered("somebody reads the live tables all the time: see pg_stat_activity")

    def _refuse_what_would_be_lost(self) -> None:
        lost = hanging.would_be_lost(self._ask, self._live, self.rebuilt, self.tables)
        if lost:
            raise Hindered(f"a switch would lose what hangs on the tables: {', '.join(lost)}")

    def _move(self, schema: str, name: str, to: str) -> None:
        self._ask(SQL("ALTER TABLE {} SET SCHEMA {}").format(Identifier(schema, name), Identifier(to)))

    def _step_now(self) -> str:
        """Of the migrations."""
        ((step,),) = self._ask("SELECT version_num FROM alembic_version")
        return str(step)

    def _all_of(self, schema: str) -> Composed:
        return SQL(", ").join(Identifier(schema, name) for name in self.tables)

    def _ask(self, statement: str | Composed, *parameters: object, **named: object) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, named or parameters or None)
            return list(cursor.fetchall()) if cursor.description else []

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except psycopg2.Error as failed:
            raise Unavailable(sentence(self._dsn, failed)) from failed
