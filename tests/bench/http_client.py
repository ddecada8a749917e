"""The lightest HTTP client there is: prepared bytes, kept-alive connections, one request at a time on each.

aiohttp's own client costs more per request than the door it would measure, on the same two cores.
"""

import asyncio
from typing import cast

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"


class Connection(asyncio.Protocol):
    """One kept-alive connection; answers must say their length, as the door's do."""

    def __init__(self) -> None:
        self.received = b""
        self.answered: asyncio.Future[tuple[int, bytes]] | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, end, body = self.received.partition(HEAD_END)
        if not end:
            return
        at = head.lower().index(LENGTH) + len(LENGTH)
        if len(body) >= int(head[at:].partition(b"\r\n")[0]):
            assert self.answered is not None
            self.received = b""
            self.answered.set_result((int(head[9:12]), body))

    def connection_lost(self, exc: Exception | None) -> None:
        if self.answered is not None and not self.answered.done():
            self.answered.set_exception(exc or ConnectionError("closed"))

    @property
    def is_open(self) -> bool:
        return self.transport is not None and not self.transport.is_closing()

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body."""
        assert self.transport is not None
        self.answered = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.answered


class Connections:
    """As many as are asked at once."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.idle: list[Connection] = []
        self.all: list[Connection] = []

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        while self.idle and not self.idle[-1].is_open:  # the door closes what rests for long
            self.idle.pop()
        connection = self.idle.pop() if self.idle else await self._open()
        answer = await connection.ask(request)
        self.idle.append(connection)
        return answer

    async def _open(self) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, self.host, self.port)
        self.all.append(connection)
        return connection

    def close(self) -> None:
        for connection in self.all:
            if connection.transport is not None:
                connection.transport.close()
