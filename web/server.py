"""The door on a socket, and leaving without dropping what was begun. What one connection may do is `connections.py`."""

import asyncio
import resource
import ssl
from dataclasses import dataclass

from aiohttp import web

from web import connections
from web.app import FULL_HOUSE, PATIENCE
from web.connections import Connection, TurnedAway

HANDSHAKE_MAX_S = 10.0
"""For TLS to be agreed on: who connects and says nothing goes away sooner than one who is known to speak HTTP."""

BACKLOG = 1024
DRAIN_S = 5.0
LAST_ANSWERS_S = 1.0
"""Of the drain, for answers to be written after waits were cut short."""

LAST_REQUESTS_S = 0.2
"""Of the drain, for requests that are on their way on connections that are open: a busy process has yet to read them."""

FILES_BESIDE_CONNECTIONS = 1536
"""Open files of everything else: gRPC's connections (1,000), Kafka, PostgreSQL, Redis, logs."""


@dataclass(frozen=True, slots=True)
class Serving:
    runner: web.AppRunner
    listener: asyncio.AbstractServer
    port: int
    drain_s: float

    async def drain(self) -> None:
        """Stops accepting, answers what is being answered within `drain_s` (waits are cut to 202), then closes."""
        self.listener.close()
        self.runner.app[PATIENCE].end_within(max(0.0, self.drain_s - LAST_ANSWERS_S))
        await asyncio.sleep(min(LAST_REQUESTS_S, self.drain_s / 4))
        await self.runner.cleanup()


async def serve(
    app: web.Application,
    host: str,
    port: int,
    drain_s: float = DRAIN_S,
    reuse_port: bool = False,
    tls: ssl.SSLContext | None = None,
) -> Serving:
    """`port` 0 takes a free one. `reuse_port`: others may listen on the same, and the system shares connections out.
    `tls`: HTTPS, and nothing else.
    """
    runner = web.AppRunner(app, shutdown_timeout=drain_s)
    await runner.setup()
    loop, connections_max = asyncio.get_running_loop(), _connections_max()

    def connection() -> asyncio.Protocol:
        assert runner.server is not None
        if len(runner.server.connections) >= connections_max:
            return TurnedAway()
        return Connection(
            runner.server,
            full_house=app[FULL_HOUSE],
            loop=loop,
            keepalive_timeout=connections.IDLE_MAX_S,
            lingering_time=connections.LINGER_S,
            max_line_size=connections.HEAD_LINE_MAX_BYTES,
            max_field_size=connections.HEAD_LINE_MAX_BYTES,
            auto_decompress=False,
            access_log=None,
        )

    listener = await loop.create_server(
        connection,
        host,
        port,
        backlog=BACKLOG,
        reuse_port=reuse_port,
        ssl=tls,
        ssl_handshake_timeout=HANDSHAKE_MAX_S if tls else None,
    )
    return Serving(runner, listener, listener.sockets[0].getsockname()[1], drain_s)


def _connections_max() -> int:
    """As many as the system's limit of open files leaves room for; the limit is raised as far as it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections.CONNECTIONS_MAX + FILES_BESIDE_CONNECTIONS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return connections.CONNECTIONS_MAX
    return min(connections.CONNECTIONS_MAX, max(soft // 4, soft - FILES_BESIDE_CONNECTIONS))
