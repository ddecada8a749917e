"""A TCP proxy before the door that does to a request or answer what networks do: it knows as much of HTTP as tells them apart.

What is asked through it reaches the real door: what became of a request whose answer was lost is the door's to tell.
"""

import asyncio
import ssl
from collections import deque
from contextlib import suppress
from enum import Enum
from typing import Self

HEAD_END = b"\r\n\r\n"
CUT_BYTES = 40
"""Of an answer's body that come through before the line is cut."""


class Fault(Enum):
    NONE = "the request passes, and its answer"
    REFUSED = "the connection is closed before the request has left"
    ANSWER_LOST = "the request passes, and the connection is closed instead of its answer"
    ANSWER_CUT = "the request passes, and the connection is closed amid its answer"
    SILENCE = "the request passes, and nothing comes back"


class Proxy:
    """`plan`: what is done to the next requests, one each; whatever comes after them passes. `seen`: their heads."""

    def __init__(self, door_port: int, tls: ssl.SSLContext | None = None) -> None:
        self._door_port, self._tls = door_port, tls
        self.plan: deque[Fault | bytes] = deque()
        self.seen: list[bytes] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        port = self._server.sockets[0].getsockname()[1]
        return f"https://localhost:{port}" if self._tls else f"http://127.0.0.1:{port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self._tls)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(asyncio.IncompleteReadError, OSError):
                while await self._one(reader, writer):
                    pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request, and whether the connection is still good."""
        head, body = await _message(reader)
        self.seen.append(head)
        fault = self.plan.popleft() if self.plan else Fault.NONE
        if isinstance(fault, bytes):  # an answer of somebody's in between
            writer.write(fault)
            await writer.drain()
            return True
        if fault is Fault.REFUSED:
            return False
        answered, said = await self._ask_door(head + body)
        if fault is Fault.SILENCE:
            await asyncio.Event().wait()
        if fault is Fault.ANSWER_LOST:
            return False
        writer.write(answered + (said[:CUT_BYTES] if fault is Fault.ANSWER_CUT else said))
        await writer.drain()
        return fault is Fault.NONE

    async def _ask_door(self, request: bytes) -> tuple[bytes, bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._door_port)
        try:
            writer.write(request)
            return await _message(reader)
        finally:
            writer.close()


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and body of a request or an answer that tells its length."""
    head = await reader.readuntil(HEAD_END)
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return head, await reader.readexactly(length)
