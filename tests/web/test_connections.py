"""Connections that cost: slow heads, too many of them, answers that nobody reads."""

import asyncio
import socket
import time
from typing import Any

import pytest
import uvloop

from tests.web.fakes import Door, open_door
from web import connections, server

HEAD = b"GET /livez HTTP/1.1\r\nHost: x\r\n"


async def connect(door: Door) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", door.serving.port, family=socket.AF_INET)


async def trickle(writer: asyncio.StreamWriter, every_s: float) -> None:
    """A header line at a time, for ever: each of them comes in time."""
    for number in range(1000):
        writer.write(f"X-{number}: y\r\n".encode())
        await asyncio.sleep(every_s)


async def test_a_head_that_trickles_in_is_given_up(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_MAX_S", 0.3)
    reader, writer = await connect(door)
    writer.write(HEAD)
    trickling, began = asyncio.create_task(trickle(writer, 0.05)), time.monotonic()
    answer = await asyncio.wait_for(reader.read(), 5)
    trickling.cancel()
    writer.close()
    assert 0.2 < time.monotonic() - began < 2
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"request_timeout" in answer and b"Request-Id: req_" in answer


async def test_the_second_request_of_a_connection_has_its_own_time(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_MAX_S", 0.4)
    reader, writer = await connect(door)
    for _ in range(3):
        writer.write(HEAD)
        await asyncio.sleep(0.25)
        writer.write(b"\r\n")
        assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).startswith(b"HTTP/1.1 200")
        await asyncio.wait_for(reader.readexactly(len(b'{"status":"alive"}')), 5)
    writer.write(HEAD)
    assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 408")
    writer.close()


async def test_an_idle_connection_is_left_in_peace_beyond_the_time_for_a_head(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_MAX_S", 0.1)
    reader, writer = await connect(door)
    await asyncio.sleep(0.4)
    writer.write(HEAD + b"\r\n")
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n"), 5)).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_a_head_without_end_fills_no_memory(door: Door) -> None:
    reader, writer = await connect(door)
    writer.write(HEAD + b"".join(b"A%d: %s\r\n" % (n, b"a" * 15_000) for n in range(5)))
    answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 400 ") and b"more than 64 KiB" in answer
    writer.close()


async def test_heads_that_come_in_pieces_are_measured_each_by_itself(door: Door) -> None:
    reader, writer = await connect(door)
    for _ in range(3):
        for piece in (HEAD, b"A: " + b"a" * 15_000, b"\r\nB: " + b"b" * 15_000, b"\r\n\r\n"):
            writer.write(piece)
            await asyncio.sleep(0.01)
        assert (await asyncio.wait_for(reader.readuntil(b"}"), 5)).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_a_connection_that_never_asks_anything_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "IDLE_MAX_S", 0.3)
    async with open_door() as door:
        reader, writer = await connect(door)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_connections_beyond_the_bound_are_told_so_and_those_within_are_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "_connections_max", lambda: 3)
    async with open_door() as door:
        held = [await connect(door) for _ in range(3)]
        for reader, writer in held:
            writer.write(HEAD + b"\r\n")
            assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200")
        reader, turned_away = await connect(door)
        answer = await asyncio.wait_for(reader.read(), 5)
        turned_away.close()
        assert answer.startswith(b"HTTP/1.1 503 ") and b"Retry-After: " in answer
        held[0][1].close()
        await asyncio.sleep(0.05)
        assert (await door.get("/livez")).status == 200
        for _, writer in held:
            writer.close()


async def test_an_answer_that_nobody_reads_is_bounded_in_time(door: Door) -> None:
    """The kernel gives the connection up: what it is told of that is seen here, not the half minute itself."""
    _, writer = await connect(door)
    await asyncio.sleep(0.05)
    assert door.serving.runner.server is not None
    (connection,) = door.serving.runner.server.connections
    assert connection.transport is not None
    plug = connection.transport.get_extra_info("socket")
    assert plug.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == connections.UNREAD_MAX_S * 1000
    writer.close()


def test_the_bound_leaves_room_for_files_that_are_no_connections() -> None:
    assert 0 < server._connections_max() <= connections.CONNECTIONS_MAX


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_who_comes_when_there_are_too_many_is_told_so(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the loop that serves as well: its transports are of a class of their own."""
    monkeypatch.setattr(server, "_connections_max", lambda: 1)
    run(_one_too_many())


async def _one_too_many() -> None:
    async with open_door() as door:
        first, writer = await connect(door)
        late, late_writer = await connect(door)
        answer = await asyncio.wait_for(late.read(), 5)
        assert answer.startswith(b"HTTP/1.1 503 ") and b"Retry-After: " in answer
        writer.write(HEAD + b"\r\n")
        assert (await asyncio.wait_for(first.readuntil(b"\r\n\r\n"), 5)).startswith(b"HTTP/1.1 200")
        writer.close()
        late_writer.close()
