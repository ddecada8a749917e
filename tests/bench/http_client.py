"""The lightest HTTP client there is: prepared bytes, kept-alive connections, one request at a time on each.

aiohttp's own client costs more per request than the door it would measure, on the same two cores.
"""

import asyncio
from collections.abc import Callable
from typing import cast

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"
NOT_ANSWERED = 0
Answered = Callable[[int, bytes], object]
"""Is told the status and the body; NOT_ANSWERED where a connection could not be made, or was closed."""


class Connection(asyncio.Protocol):
    """One kept-alive connection; answers must say their length, as the door's do."""

    def __init__(self) -> None:
        self.received = b""
        self.answered: Answered | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        self.received += data
        if self.answered is not None:  # else the door turned the connection away before anything was asked
            self._read()

    def _read(self) -> None:
        head, end, body = self.received.partition(HEAD_END)
        if not end:
            return
        at = head.lower().index(LENGTH) + len(LENGTH)
        if len(body) >= int(head[at:].partition(b"\r\n")[0]):
            self.received = b""
            self._end(int(head[9:12]), body)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.answered is not None:
            self._end(NOT_ANSWERED, b"")

    def _end(self, status: int, body: bytes) -> None:
        answered, self.answered = self.answered, None
        assert answered is not None
        answered(status, body)

    @property
    def is_open(self) -> bool:
        return self.transport is not None and not self.transport.is_closing()

    def send(self, request: bytes, answered: Answered) -> None:
        assert self.transport is not None and self.answered is None
        self.answered = answered
        if self.received:
            self._read()
        elif self.is_open:
            self.transport.write(request)
        else:
            self._end(NOT_ANSWERED, b"")


class Connections:
    """As many as are asked at once."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.idle: list[Connection] = []
        self.all: list[Connection] = []
        self.opening: set[asyncio.Future[None]] = set()

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body. Raises ConnectionError."""
        answer: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()

        def told(status: int, body: bytes) -> None:
            if not answer.done():
                answer.set_result((status, body))

        self.send(request, told)
        status, body = await answer
        if status == NOT_ANSWERED:
            raise ConnectionError("closed")
        return status, body

    def send(self, request: bytes, answered: Answered) -> None:
        """Calls `answered` once; without a task, where a connection rests: a load costs its door as little as can be."""
        while self.idle and not self.idle[-1].is_open:  # the door closes what rests for long
            self.idle.pop()
        if self.idle:
            self._send(self.idle.pop(), request, answered)
        else:
            opening = asyncio.ensure_future(self._open(request, answered))
            self.opening.add(opening)
            opening.add_done_callback(self.opening.discard)

    def _send(self, connection: Connection, request: bytes, answered: Answered) -> None:
        def done(status: int, body: bytes) -> None:
            self.idle.append(connection)
            answered(status, body)

        connection.send(request, done)

    async def _open(self, request: bytes, answered: Answered) -> None:
        try:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(Connection, self.host, self.port)
        except OSError:
            answered(NOT_ANSWERED, b"")
            return
        self.all.append(connection)
        self._send(connection, request, answered)

    def close(self) -> None:
        for connection in self.all:
            if connection.transport is not None:
                connection.transport.close()
