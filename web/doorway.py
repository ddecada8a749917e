"""All of the door on its sockets: HTTP and, beside it, gRPC, under one certificate; opened and left together.

What is asked through it, and where the settings come from, is not here.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CollectorRegistry

from web.doors import Operations
from web.grpc import server as grpc_server
from web.metrics import DoorMetrics
from web.ports import Ports
from web.server import serve
from web.tls import Certificate

log = logging.getLogger("millrace.web")


@dataclass(frozen=True, slots=True)
class Where:
    """`grpc_port` None: no gRPC; a port 0: a free one. `certificate` None: plain text. `wait_s`: how long a call by gRPC
    waits that does not say so itself. `drain_s`: for what is under way when the door is left.
    """

    http_host: str
    http_port: int
    grpc_host: str
    grpc_port: int | None
    wait_s: float
    drain_s: float
    reuse_port: bool = False
    certificate: Certificate | None = None


@asynccontextmanager
async def opened(
    app: web.Application, operations: Operations, ports: Ports, metrics: DoorMetrics, where: Where
) -> AsyncIterator[None]:
    """Inside of it, the door is open; on the way out it is drained. Raises OSError: a port is taken."""
    certificate, renewing, drains = where.certificate, None, []
    if certificate is not None:
        metrics.certificate(lambda: certificate.ends_at.timestamp())
        renewing = asyncio.create_task(certificate.keep_renewed())
    try:
        if where.grpc_port is not None:  # first: once /readyz says so, all of the door is there
            calls = await _grpc(where, where.grpc_port, operations, ports, metrics.registry)
            drains.append(calls.drain)
        tls = certificate.context if certificate else None
        http = await serve(app, where.http_host, where.http_port, where.drain_s, where.reuse_port, tls)
        drains.append(http.drain)
        log.info("listening on http%s://%s:%d", "s" if tls else "", where.http_host, http.port)
        yield
        log.info("told to stop: no new requests, at most %.1f s for those under way", where.drain_s)
    finally:
        if renewing is not None:
            renewing.cancel()
        await asyncio.gather(*(drain() for drain in drains))


async def _grpc(
    where: Where, port: int, operations: Operations, ports: Ports, registry: CollectorRegistry
) -> grpc_server.Serving:
    listening = grpc_server.Listening(
        where.grpc_host,
        port,
        grpc_server.credentials(where.certificate) if where.certificate else None,
        where.drain_s,
        reuse_port=where.reuse_port,
    )
    serving = await grpc_server.serve(ports, operations, registry, where.wait_s, listening)
    log.info("listening for gRPC on %s:%d", where.grpc_host, serving.port)
    return serving
