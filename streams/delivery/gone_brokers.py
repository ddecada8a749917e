"""Brokers that are gone without a word, or hang: bounds that aiokafka has not, for every client of this process.

It has one time-out for all requests, of 40 s, since a join may take 30. In these a client of a broker that has vanished made
no other connection and asked nobody who leads now, and a service with two of three brokers left stood still for minutes.
What lives here: how long what is waited for. Where it is put into aiokafka, and what is read of its connections, is not
(`internals.py`).
"""

import asyncio
import functools
import socket
import time
from collections.abc import Awaitable, Callable
from math import inf
from typing import Any

from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.commit import OffsetCommitRequest, OffsetFetchRequest
from aiokafka.protocol.coordination import FindCoordinatorRequest
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.group import HeartbeatRequest
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import InitProducerIdRequest

# The cluster itself takes 9 s to miss a broker (`broker.session.timeout.ms`).
CONNECTED_WITHIN_S = 2  # by the kernel, and by TLS; its name may take longer
GREETED_WITHIN_S = 5  # then, by the broker; SASL included
SHUNNED_S = 5  # one that has greeted nobody
SILENT_S = 5  # its kernel
ANSWERED_WITHIN_S = 10  # of what is answered at once
BEGUN_WITHIN_S, AGAIN_S = 40, 0.5
AT_ONCE = (FetchRequest, FindCoordinatorRequest, HeartbeatRequest, InitProducerIdRequest, MetadataRequest,
           OffsetCommitRequest, OffsetFetchRequest, OffsetRequest, ProduceRequest)  # fmt: skip
"""What a broker answers as soon as it can. Whoever joins a group is answered when all have joined."""

hung_at: dict[tuple[str, int], float] = {}
"""When a broker let its kernel make a connection, and said nothing on it: by its address."""


def begun_again(bootstrap: Callable[[Any], Awaitable[None]]) -> Callable[[Any], Awaitable[None]]:
    """Where none of its brokers greets a client, but one lets its kernel make connections: tried again for BEGUN_WITHIN_S. It is
    overloaded as a rule, and a process that ended would only begin anew. Who refuses is not tried again.
    """

    @functools.wraps(bootstrap)
    async def begun(client: Any) -> None:
        until = time.monotonic() + BEGUN_WITHIN_S
        while True:
            try:
                return await bootstrap(client)
            except KafkaConnectionError:
                hung = [hung_at.get((host, port), -inf) for host, port, _ in client.hosts]
                if time.monotonic() > until or max(hung) + 2 * SHUNNED_S < time.monotonic():
                    raise
            await asyncio.sleep(AGAIN_S)

    return begun


def made_soon(connect: Callable[[Any], Awaitable[Any]]) -> Callable[[Any], Awaitable[Any]]:
    """Made within CONNECTED_WITHIN_S, or not. aiokafka waits for a connection as long as for any answer, 40 s, in which this
    client makes no other, and asks nobody who leads now. One that a broker's kernel makes, and the broker says nothing on, is
    tried by the next client only SHUNNED_S later: a writer that takes over makes several, each of which begins with any broker.
    """

    @functools.wraps(connect)
    async def connected(connection: Any) -> Any:
        address, connection.is_made = (connection.host, connection.port), False
        if time.monotonic() < hung_at.get(address, -inf) + SHUNNED_S:
            raise KafkaConnectionError(f"{address} has said nothing within the last {SHUNNED_S} s")
        began = time.monotonic()
        await asyncio.get_running_loop().getaddrinfo(*address)
        named_s = time.monotonic() - began  # once more is needed
        try:
            async with asyncio.timeout(CONNECTED_WITHIN_S + 2 * named_s) as connection.within:
                return await connect(connection)
        except TimeoutError:
            if connection.is_made:
                hung_at[address] = time.monotonic()
            raise

    return connected


def while_heard(
    greet: Callable[[Any], Awaitable[Any]], socket_of: Callable[[Any], socket.socket]
) -> Callable[[Any], Awaitable[Any]]:
    """A connection whose other end is gone, without a word, ends after SILENT_S: 40 s were waited for each answer. A broker
    that is only slow is still heard, by its kernel, as long as that has room for what is sent. Source: tcp(7); what else than
    Linux runs this has not all of these.
    """
    options = {"TCP_USER_TIMEOUT": SILENT_S * 1000, "TCP_KEEPIDLE": SILENT_S // 2, "TCP_KEEPINTVL": 1}
    known = {getattr(socket, name): value for name, value in options.items() if hasattr(socket, name)}

    @functools.wraps(greet)
    async def greeted(connection: Any) -> Any:
        connection.is_made = True
        connection.within.reschedule(asyncio.get_running_loop().time() + GREETED_WITHIN_S)
        its = socket_of(connection)
        its.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in known.items():
            its.setsockopt(socket.IPPROTO_TCP, option, value)
        return await greet(connection)

    return greeted


def answered_soon(send: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Of a broker that hangs, though its kernel answers. A join may take 30 s, so aiokafka's one time-out must be longer."""

    async def soon(answer: Awaitable[Any]) -> Any:
        async with asyncio.timeout(ANSWERED_WITHIN_S):
            return await answer

    @functools.wraps(send)
    def sent(connection: Any, request: Any, expect_response: bool = True) -> Awaitable[Any]:
        answer = send(connection, request, expect_response)
        return soon(answer) if isinstance(request, AT_ONCE) else answer

    return sent
