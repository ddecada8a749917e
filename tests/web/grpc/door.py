"""The door of gRPC on a socket, a client of it, and the in-memory service behind. The client is made from the descriptors."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from grpc_status import rpc_status
from prometheus_client import CollectorRegistry

from tests.web.fakes import PAYMENT
from tests.web.service import KEY, Service
from web.doors import operations
from web.grpc import payments_pb2 as pb
from web.grpc.calls import SERVICE
from web.grpc.gate import Limits
from web.grpc.server import Listening, Serving, serve
from web.metrics import DoorMetrics
from web.rate_limits import Allowance

WITHIN_S = 10.0


@dataclass(frozen=True)
class Refused:
    status: grpc.StatusCode
    detail: str
    info: ErrorInfo
    violations: list[tuple[str, str]]
    retry_s: int | None
    trailing: dict[str, Any]

    @property
    def code(self) -> str:
        return str(self.info.metadata["code"])


@dataclass
class GrpcDoor:
    service: Service
    serving: Serving
    channel: Any  # typed by what it is asked to send
    registry: CollectorRegistry

    def method(self, name: str, write: Callable[[Any], bytes] | None = None) -> Any:
        return stub(self.channel, name, write)

    def start(
        self,
        name: str,
        request: Message | bytes,
        idempotency: str | None = "key-1",
        *,
        key: str | None = KEY,
        timeout_s: float | None = WITHIN_S,
        more: tuple[tuple[str, str], ...] = (),
    ) -> Any:
        """The call, begun."""
        sent = [("authorization", f"Bearer {key}")] if key else []
        sent += [("idempotency-key", idempotency)] if idempotency is not None else []
        write = bytes if isinstance(request, bytes) else None
        return self.method(name, write)(request, metadata=(*sent, *more), timeout=timeout_s)

    async def ask(self, name: str, request: Message | bytes, *args: Any, **more: Any) -> Any:
        """The answer; of a stream the first."""
        call = self.start(name, request, *args, **more)
        if not SERVICE.methods_by_name[name].server_streaming:
            return await call
        try:
            return await call.read()
        finally:
            call.cancel()

    async def pay(self, idempotency: str = "key-1", **more: Any) -> pb.CreatePaymentResponse:
        paid: pb.CreatePaymentResponse = await self.ask(
            "CreatePayment", pb.CreatePaymentRequest(**(PAYMENT | more)), idempotency
        )
        return paid

    async def refused(self, name: str, request: Message | bytes, *args: Any, **more: Any) -> Refused:
        try:
            answer = await self.ask(name, request, *args, **more)
        except grpc.aio.AioRpcError as failed:
            return refusal(failed)
        raise AssertionError(f"{name} was answered: {answer}")

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


def stub(channel: Any, name: str, write: Callable[[Any], bytes] | None = None) -> Any:
    """A method of the service's, to be called. `write`: what is sent as bytes; by itself the method's own message."""
    method = SERVICE.methods_by_name[name]
    kind = channel.unary_stream if method.server_streaming else channel.unary_unary
    write = write or GetMessageClass(method.input_type).SerializeToString
    return kind(f"/{SERVICE.full_name}/{name}", write, GetMessageClass(method.output_type).FromString)


def refusal(failed: grpc.aio.AioRpcError) -> Refused:
    status = rpc_status.from_call(failed)  # which checks that status and message are the same in both places
    assert status is not None, failed
    info, wrong, retry = ErrorInfo(), BadRequest(), RetryInfo()
    may_retry = False
    for packed in status.details:
        may_retry |= packed.Is(RetryInfo.DESCRIPTOR)
        assert packed.Unpack(info) or packed.Unpack(wrong) or packed.Unpack(retry), packed.type_url
    return Refused(
        failed.code(),
        failed.details() or "",
        info,
        [(each.field, each.description) for each in wrong.field_violations],
        retry.retry_delay.seconds if may_retry else None,
        dict(failed.trailing_metadata() or ()),
    )


@asynccontextmanager
async def open_grpc(
    service: Service | None = None,
    port: int = 0,
    drain_s: float = 0.5,
    look_every_s: float = 0.05,
    wait_s: float = 20.0,
    allowance: Allowance | None = None,
    tls: grpc.ServerCredentials | None = None,
    **limits: Any,
) -> AsyncIterator[GrpcDoor]:
    """`tls`: then the channel of the door, which speaks plain text, is of no use."""
    service, registry = service or Service(), CollectorRegistry()
    ports = service.ports()
    doors = operations(ports, DoorMetrics(registry), allowance)
    where = Listening("127.0.0.1", port, tls, drain_s, look_every_s)
    serving = await serve(ports, doors, registry, wait_s, where, Limits(**limits))
    async with grpc.aio.insecure_channel(f"127.0.0.1:{serving.port}") as channel:
        try:
            yield GrpcDoor(service, serving, channel, registry)
        finally:
            await serving.drain()
