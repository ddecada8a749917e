"""TLS before servers whose builds have none: what a deployment ends at a proxy, and what a client must verify all the same.

Both sides are real: libpq and redis-py before it, PostgreSQL and Valkey behind it. Whoever does not begin TLS gets nothing.
"""

import asyncio
import contextlib
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable

from sandbox.ports import HOST
from tests.certificates import Files

SSL_REQUEST = struct.pack(">ii", 8, 80877103)
"""Source: PostgreSQL, frontend/backend protocol, SSLRequest; the answer is one letter."""
GSS_REQUEST = struct.pack(">ii", 8, 80877104)

Greet = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bool]]


async def nothing_before(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """As Redis has it."""
    return True


async def as_postgres(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """In the clear, whether TLS is spoken; then it."""
    while (asked := await reader.readexactly(8)) == GSS_REQUEST:
        writer.write(b"N")
    if asked == SSL_REQUEST:
        writer.write(b"S")
    return asked == SSL_REQUEST


class Encrypted:
    """`with`; on a thread and a loop of its own. `port`: where it listens."""

    def __init__(self, behind_port: int, files: Files, greet: Greet) -> None:
        self._behind_port, self._greet = behind_port, greet
        self._tls = files.served()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    def __enter__(self) -> "Encrypted":
        self._thread.start()
        listening = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._pass, HOST, 0), self._loop)
        self.port = listening.result(5).sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(_end_all(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ssl.SSLError, asyncio.IncompleteReadError):
            if await self._greet(reader, writer):
                await writer.start_tls(self._tls)
                behind_reader, behind_writer = await asyncio.open_connection(HOST, self._behind_port)
                await asyncio.gather(_copy(reader, behind_writer), _copy(behind_reader, writer))
        writer.close()


async def _end_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, ssl.SSLError):
        while some := await reader.read(65_536):
            writer.write(some)
            await writer.drain()
    writer.close()
