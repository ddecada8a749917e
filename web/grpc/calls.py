"""One call, as it came: its message, its metadata, the time it has. Not what they mean."""

import asyncio
import math
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message

from models.codes import Code
from web.grpc import payments_pb2
from web.json_bodies import BODY_MAX_BYTES
from web.problems import Problem

SERVICE = payments_pb2.DESCRIPTOR.services_by_name["Payments"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Asked = TypeVar("Asked", bound=Message)


@dataclass(frozen=True, slots=True)
class Call:
    """What came. `idempotency_key`: all there are. `remaining_s`: until the client's deadline; infinite where it has none.
    `trace`: a traceparent, to hand on.
    """

    message: bytes
    authorization: str | None
    idempotency_key: list[str]
    remaining_s: float
    trace: str | None

    def asked(self, kind: type[Asked]) -> Asked:
        """Raises Problem."""
        return read(kind, self.message)


def read(kind: type[Asked], payload: bytes) -> Asked:
    """Raises Problem."""
    try:
        return kind.FromString(payload)
    except DecodeError:  # of a string that is not UTF-8, too; it quotes what it read
        raise Problem(Code.MALFORMED_REQUEST, f"The message is no {kind.DESCRIPTOR.name}.") from None


def authorization(context: Context) -> str | None:
    """The one value of it, of a call whose message may still be on its way."""
    given = _given(context, "authorization")
    return given[0] if len(given) == 1 else None


def first(context: Context, name: str) -> str | None:
    """What came under that name, as it came, whatever it is."""
    return next(iter(_given(context, name)), None)


def _given(context: Context, name: str) -> list[str]:
    return [str(value) for each, value in context.invocation_metadata() or () if each == name]


async def received(context: Context, within_s: float, trace: str | None) -> Call:
    """The call, once its message has come. Read here, also where there is to be one only: gRPC itself would wait for it without
    end, and tell of a bad one in its own words. Raises Problem.
    """
    payload = await message(context, within_s)
    remaining_s = context.time_remaining()
    return Call(
        payload,
        authorization(context),
        _given(context, "idempotency-key"),
        math.inf if remaining_s is None else remaining_s,
        trace,
    )


async def message(context: Context, within_s: float) -> bytes:
    """The first one. Raises Problem."""
    try:
        async with asyncio.timeout(within_s):
            payload: Any = await context.read()
    except TimeoutError:
        raise Problem(Code.REQUEST_TIMEOUT, "The message did not come in time.") from None
    if not isinstance(payload, bytes):
        raise Problem(Code.MALFORMED_REQUEST, "A call needs a message.")
    if len(payload) > BODY_MAX_BYTES:
        detail = f"The message must be at most {BODY_MAX_BYTES // 1024} KiB."
        raise Problem(Code.PAYLOAD_TOO_LARGE, detail)
    return payload
