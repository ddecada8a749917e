"""gRPC on a socket: what one connection may take, health, reflection, and leaving without dropping what was begun."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2
from prometheus_client import CollectorRegistry

from web.doors import Operations
from web.grpc.calls import SERVICE, Context
from web.grpc.gate import Gate, Handler, Limits
from web.grpc.health import HEALTH, LOOK_EVERY_S, Health
from web.grpc.metrics import GrpcMetrics
from web.grpc.service import Payments
from web.json_bodies import BODY_MAX_BYTES
from web.patience import Patience
from web.ports import Ports
from web.problems import Problem
from web.rooms import Room
from web.server import DRAIN_S, LAST_ANSWERS_S
from web.tls import Certificate, Pem

ASKING_MAX = 512
"""Calls at once beside the gate's own bounds: those of health and reflection, which have theirs, and such as are turned away."""

REFLECTIONS_MAX = 64
REFLECTION_MAX_S = 60.0
"""Of one stream, which needs no key: a tool reads all there is within seconds."""

REFLECTION = "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"
"""The same messages under both names: tools ask for the first, and older ones for the second only."""

OPTIONS: tuple[tuple[str, int], ...] = (
    (
        "grpc.max_receive_message_length",
        2 * BODY_MAX_BYTES,
    ),  # the gate refuses beyond BODY_MAX_BYTES, with a code
    ("grpc.compression_enabled_algorithms_bitset", 1),  # none: a few kB could be unpacked to hundreds of MB
    ("grpc.max_metadata_size", 16 * 1024),  # as HTTP's headers
    ("grpc.absolute_max_metadata_size", 16 * 1024),
    ("grpc.max_concurrent_streams", 1000),  # of one connection
    (
        "grpc.max_allowed_incoming_connections",
        1000,
    ),  # a client has one; each takes an open file from all else
    ("grpc.server_handshake_timeout_ms", 10_000),
    ("grpc.max_connection_idle_ms", 300_000),  # without a call
    ("grpc.keepalive_time_ms", 60_000),  # a client that is gone without a word leaves its stream within 80 s
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 60_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 20_000),  # a client's own pings, not oftener
    ("grpc.keepalive_permit_without_calls", 1),
)
"""Source: grpc/impl/channel_arg_names.h."""


@dataclass(frozen=True, slots=True)
class Serving:
    server: grpc.aio.Server
    port: int
    health: Health
    gate: Gate
    patience: Patience
    drain_s: float

    async def drain(self) -> None:
        """Takes no new calls, ends streams, answers what is being answered within `drain_s` (waits are cut), then closes."""
        self.health.close()
        self.gate.end_streams()
        self.patience.end_within(max(0.0, self.drain_s - LAST_ANSWERS_S))
        await self.server.stop(self.drain_s)


@dataclass(frozen=True, slots=True)
class Listening:
    """`port` 0 takes a free one. `credentials`: None is plain text. `reuse_port`: others may listen on the same."""

    host: str
    port: int
    credentials: grpc.ServerCredentials | None = None
    drain_s: float = DRAIN_S
    look_every_s: float = LOOK_EVERY_S
    reuse_port: bool = False


async def serve(
    ports: Ports,
    operations: Operations,
    registry: CollectorRegistry,
    wait_s: float,
    where: Listening,
    limits: Limits | None = None,
) -> Serving:
    """`wait_s`: how long a command waits for its end where the request does not say. Raises OSError: the port is taken."""
    limits = limits or Limits()
    gate = Gate(operations.callers, GrpcMetrics(registry), ports.tracing, limits)
    service = Payments(operations, wait_s)
    health = Health(ports.readiness, frozenset({SERVICE.full_name}), where.look_every_s)
    services = {SERVICE.full_name: service.handlers(gate), HEALTH: health.handlers(), **_reflection()}
    server = grpc.aio.server(
        handlers=[grpc.method_handlers_generic_handler(name, dict(own)) for name, own in services.items()],
        options=(*OPTIONS, ("grpc.so_reuseport", int(where.reuse_port))),  # it would, if nothing were said
        maximum_concurrent_rpcs=limits.requests_max + limits.watches_max + ASKING_MAX,
    )
    port = _listen(server, where)
    await health.start()
    await server.start()
    return Serving(server, port, health, gate, operations.patience, where.drain_s)


def credentials(certificate: Certificate) -> grpc.ServerCredentials:
    """Each connection is given the certificate of now."""
    given = certificate.pem

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        nonlocal given
        if certificate.pem is given:
            return None
        given = certificate.pem
        return _configuration(given)

    known_clients_only = given.client_ca is not None
    made: grpc.ServerCredentials = grpc.dynamic_ssl_server_credentials(
        _configuration(given),
        renewed,  # type: ignore[arg-type]  # None is: as before
        known_clients_only,
    )
    return made


def _configuration(pem: Pem) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(pem.key, pem.certificate)], pem.client_ca)


def _listen(server: grpc.aio.Server, where: Listening) -> int:
    host = f"[{where.host}]" if ":" in where.host else where.host
    address = f"{host}:{where.port}"
    try:
        if where.credentials is None:
            return server.add_insecure_port(address)
        return server.add_secure_port(address, where.credentials)
    except RuntimeError as failed:
        raise OSError(f"cannot listen on {address}: {failed}") from None


def _reflection() -> dict[str, Mapping[str, Handler]]:
    servicer = reflection.aio.ReflectionServicer((SERVICE.full_name, HEALTH, *REFLECTION))
    room = Room(REFLECTIONS_MAX)

    async def reflect(asked: AsyncIterator[Any], context: Context) -> AsyncIterator[Any]:
        try:
            with room.taken():
                async with asyncio.timeout(REFLECTION_MAX_S):
                    async for told in servicer.ServerReflectionInfo(asked, context):
                        yield told
        except (Problem, TimeoutError):
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "Too many ask, or for too long.")

    handler = grpc.stream_stream_rpc_method_handler(
        reflect,
        reflection_pb2.ServerReflectionRequest.FromString,
        reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    return {name: {"ServerReflectionInfo": handler} for name in REFLECTION}
