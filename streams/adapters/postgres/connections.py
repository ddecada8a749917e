"""A bounded set of connections to PostgreSQL that heals by itself, and the one place where its errors are translated.

What aiopg 1.4 does by itself, and what is therefore done here:

- Its pool holds a lock while it connects and wakes nobody when a broken connection comes back. So: no pool of its.
- It is always in autocommit, and a cancelled statement may still be executed. So writes are explicit transactions, and a
  connection on which anything went wrong is closed: the server notices within a second and rolls back.
- It awaits each answer by `asyncio.wait_for`, which in Python 3.11 swallows a cancellation that meets the result. So who was
  canceled meanwhile is told when the work is done: it may have been committed, and has to bear repetition anyway.
- It turns the server's "statement timed out" into `CancelledError`, which looks as if our own task had been cancelled.
- Losing the server is noticed only when the next statement is sent: a connection that was idle gets a second try.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import psycopg2

from models.errors import InvariantBroken, Unavailable
from streams import background
from streams.adapters.postgres.connecting import connect, with_limits

BAD_DATA = (psycopg2.DataError, psycopg2.IntegrityError, ValueError)  # the last is psycopg2's own, for text

Row = tuple[Any, ...]
Statement = tuple[str, Sequence[Any]]
T = TypeVar("T")


class Postgres:
    """At most `connections_max` connections, made when first needed. Nothing is connected before that."""

    def __init__(self, dsn: str, connections_max: int = 8, timeout_s: float = 2.0) -> None:
        """`timeout_s`: for one statement, and for waiting until a connection is free."""
        self._dsn = with_limits(dsn, timeout_s)
        self._timeout_s = timeout_s
        self._slots = asyncio.Semaphore(connections_max)
        self._idle: list[Any] = []
        self._closed = False

    async def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """What one SELECT finds. Raises Unavailable."""

        async def read(connection: Any) -> list[Row]:
            async with connection.cursor(timeout=self._timeout_s) as cursor:
                await cursor.execute(sql, parameters)
                return list(await cursor.fetchall())

        return await self._use(read)

    async def answers(self) -> bool:
        """Whether PostgreSQL is there."""
        try:
            return bool(await self.rows("SELECT 1"))
        except Unavailable:
            return False

    async def write(self, statements: Sequence[Statement]) -> None:
        """All of them in one transaction; they must bear repetition. Raises Unavailable, and InvariantBroken for bad data."""

        async def write_all(cursor: Any) -> None:
            for sql, parameters in statements:
                await cursor.execute(sql, parameters)

        await self.transaction(write_all)

    async def transaction(self, work: Callable[[Any], Awaitable[None]]) -> None:
        """`work` is given a cursor; what it does must bear repetition. Raises as `write` does."""

        async def within(connection: Any) -> None:
            async with connection.cursor(timeout=self._timeout_s) as cursor:
                await cursor.execute("BEGIN")
                await work(cursor)
                await cursor.execute("COMMIT")

        await self._use(within)

    async def close(self) -> None:
        """Close what is idle now, and the rest when it comes back."""
        self._closed = True
        self._drop_idle()

    async def _use(self, work: Callable[[Any], Awaitable[T]]) -> T:
        async with background.no_cancellation_swallowed(), _translated(), self._slot():
            try:
                return await self._attempt(work)
            except _StaleConnection:
                self._drop_idle()  # the others were made before the server went away, too
                return await self._attempt(work)

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        async with asyncio.timeout(self._timeout_s):
            await self._slots.acquire()
        try:
            yield
        finally:
            self._slots.release()

    async def _attempt(self, work: Callable[[Any], Awaitable[T]]) -> T:
        connection, was_idle = await self._connection()
        try:
            done = await work(connection)
        except BaseException as failed:
            broken = bool(connection.closed)
            connection.close()
            if broken and was_idle and isinstance(failed, psycopg2.Error):
                raise _StaleConnection from failed
            raise
        if self._closed:
            connection.close()
        else:
            self._idle.append(connection)
        return done

    async def _connection(self) -> tuple[Any, bool]:
        """A connection, and whether it is one that lay idle."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed:
                return connection, True
        return await connect(self._dsn), False

    def _drop_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()


class _StaleConnection(psycopg2.OperationalError):
    """An idle connection turned out to be dead: the server was away meanwhile."""


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """No exception of the vendors' leaves here."""
    try:
        yield
    except BAD_DATA as failed:
        raise InvariantBroken(f"PostgreSQL takes no such value: {failed}") from failed
    except (psycopg2.Error, TimeoutError, OSError) as failed:
        raise Unavailable(f"PostgreSQL: {failed or 'no answer in time'}") from failed
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise Unavailable("PostgreSQL: the statement took too long") from None
