"""Hosts that are gone say nothing: what aiokafka would wait 40 s for ends within seconds. The whole of it is fault F6."""

import asyncio
import socket
import time
from collections.abc import Iterator

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.group import JoinGroupRequest

from sandbox.ports import HOST
from sandbox.testing import KafkaServer
from streams.delivery import gone_brokers
from streams.delivery.gone_brokers import CONNECTED_WITHIN_S, GREETED_WITHIN_S, SILENT_S


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Whoever connects to it is told nothing, neither yes nor no: there is no room in its queue, and nobody takes any out."""
    with socket.socket() as server:
        server.bind((HOST, 0))
        server.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(server.getsockname())
        yield server.getsockname()[1]
        for each in waiting:
            each.close()


async def test_a_connection_to_nobody_is_given_up_soon(silent_port: int) -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        await AIOKafkaConnection(HOST, silent_port).connect()
    assert CONNECTED_WITHIN_S <= time.monotonic() - began < 4 * CONNECTED_WITHIN_S


@pytest.mark.real
async def test_the_kernel_ends_a_connection_whose_other_end_is_not_heard(kafka: KafkaServer) -> None:
    client = AIOKafkaClient(bootstrap_servers=kafka.bootstrap)
    await client.bootstrap()
    await client.fetch_all_metadata()
    (connection,) = client._conns.values()
    told = connection._writer.get_extra_info("socket")
    assert told.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert told.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == SILENT_S * 1000
    assert told.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) < SILENT_S
    await client.close()


async def test_a_connection_to_a_broker_that_hangs_is_given_up_as_well() -> None:
    """Its kernel makes the connection."""
    server = await asyncio.start_server(lambda reader, writer: None, HOST, 0)
    began, port = time.monotonic(), server.sockets[0].getsockname()[1]
    with pytest.raises(TimeoutError):
        await AIOKafkaConnection(HOST, port).connect()
    assert GREETED_WITHIN_S <= time.monotonic() - began < 3 * GREETED_WITHIN_S
    began = time.monotonic()
    with pytest.raises(KafkaConnectionError):
        await AIOKafkaConnection(HOST, port).connect()
    assert time.monotonic() - began < GREETED_WITHIN_S, "the next client does not try"
    server.close()


@pytest.mark.real
async def test_a_client_waits_for_its_only_broker_to_greet_and_for_none_that_refuses(
    kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one that is overloaded nothing else would come than processes that end and begin again."""
    monkeypatch.setattr(gone_brokers, "GREETED_WITHIN_S", 0.2)
    monkeypatch.setattr(gone_brokers, "SHUNNED_S", 0.2)
    hangs = True

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not hangs:
            theirs, to_them = await asyncio.open_connection(*kafka.bootstrap.split(":"))
            await asyncio.gather(piped(reader, to_them), piped(theirs, writer))

    server = await asyncio.start_server(served, HOST, 0)
    client = AIOKafkaClient(bootstrap_servers=f"{HOST}:{server.sockets[0].getsockname()[1]}")
    beginning = asyncio.create_task(client.bootstrap())
    await asyncio.sleep(1.0)
    assert not beginning.done()
    hangs = False
    await beginning
    await client.close()
    server.close()
    with pytest.raises(KafkaConnectionError):
        async with asyncio.timeout(1.0):
            await AIOKafkaClient(bootstrap_servers=f"{HOST}:1").bootstrap()


async def piped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while some := await reader.read(65536):
        writer.write(some)
    writer.close()


async def test_only_what_is_answered_at_once_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer to a join comes when all have joined."""
    monkeypatch.setattr(gone_brokers, "ANSWERED_WITHIN_S", 0.05)
    send = gone_brokers.answered_soon(
        lambda connection, request, expect_response: asyncio.sleep(0.5, "answered")
    )
    with pytest.raises(TimeoutError):
        await send(None, object.__new__(FetchRequest))
    assert await send(None, object.__new__(JoinGroupRequest)) == "answered"
