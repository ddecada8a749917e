"""The one session that makes tables anew beside live ones, and its advisory lock. Which tables, and how they are switched, is
known to who derives from it.

Whatever kills it, nothing has moved or everything, and the next one clears up.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self

import psycopg2
from psycopg2.extensions import parse_dsn
from psycopg2.sql import Composed

from models.errors import Unavailable
from streams.adapters.postgres.connecting import CONNECT_WITHIN_S, VANISHED_CLIENT_CHECK_MS
from streams.adapters.postgres.statements import sentence

WRITERS_WAIT_S = 10  # for a batch that is being kept, or an autovacuum that gives way after a second
HELD_IDLE_MAX_S = 20
"""How long the server lets us hold writers without a word, for as long as Kafka is read. Whoever is stopped, or whose machine is
gone, would else hold them for good, or until TCP notices, two hours later."""


class Hindered(Exception):
    """It cannot be done as things stand; the message says why, and nothing was changed."""


class RebuildSession(ABC):
    """Not asynchronous. Use as a context: the lock is held until its end. Raises Unavailable and Hindered throughout."""

    lock: int
    """An advisory lock's number."""
    held: str
    """What is said where another session has it."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: Any = None

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
    def clear(self) -> None:
        """Drop what is not live."""

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
