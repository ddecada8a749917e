"""The gate every call passes: its id, the bounds on how many are inside, and a status for whatever goes wrong.

Which operation it is and what its message means is not known here.
"""

import asyncio
import logging
import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import Message

from models.codes import Code
from web.callers import Callers
from web.grpc.calls import SERVICE, Call, Context, authorization, first, received
from web.grpc.metrics import GrpcMetrics
from web.grpc.statuses import REQUEST_ID as REQUEST_ID_KEY
from web.grpc.statuses import STATUS, ending
from web.operations import CALL
from web.patience import Patience
from web.payments import OPEN_OF_ONE_MAX
from web.ports import Tracing
from web.problems import Problem, problem_of, unavailable
from web.rate_limits import STANDINGS, headers
from web.request_ids import CLIENT_HEADER, CLIENT_REQUEST_ID, REQUEST_ID, client_request_id, new_request_id
from web.requests import BODY_READ_MAX_S
from web.rooms import REQUESTS_MAX, Room, Shares
from web.watching import WATCHES_OF_ONE_MAX

WATCHES_MAX = 1024
"""Streams open at once, apart from the requests: whoever watches takes no place from whoever pays."""

OUR_FAULT = frozenset(
    {
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)
"""Which a span of a server fails by. Source: OpenTelemetry, semantic conventions, gRPC."""

Act = Callable[[Call, Context], Awaitable[Any]]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

log = logging.getLogger("millrace.web")


@dataclass(frozen=True, slots=True)
class Limits:
    requests_max: int = REQUESTS_MAX
    requests_of_one_max: int = OPEN_OF_ONE_MAX
    watches_max: int = WATCHES_MAX
    watches_of_one_max: int = WATCHES_OF_ONE_MAX
    message_read_max_s: float = BODY_READ_MAX_S


class Gate:
    def __init__(self, callers: Callers, metrics: GrpcMetrics, tracing: Tracing, limits: Limits) -> None:
        self._callers, self._metrics, self._tracing, self._limits = callers, metrics, tracing, limits
        self._requests, self._watches = Room(limits.requests_max), Room(limits.watches_max)
        self._shares = {
            self._requests: Shares(limits.requests_of_one_max),
            self._watches: Shares(limits.watches_of_one_max),
        }
        self._streams = Patience()
        metrics.in_flight.set_function(lambda: self._requests.inside)
        metrics.watches.set_function(lambda: self._watches.inside)

    def end_streams(self) -> None:
        """Lets all go who watch, and all who begin to, for this server stops."""
        self._streams.end_within(0)

    def unary(self, method: str, answer: Callable[[Call], Awaitable[Message]]) -> Handler:
        async def act(call: Call, _: Context) -> bytes:
            return (await answer(call)).SerializeToString()

        async def handle(_: object, context: Context) -> Any:
            began = time.perf_counter()
            try:
                return await self._pass(method, context, self._requests, act)
            finally:
                self._metrics.seconds.labels(method).observe(time.perf_counter() - began)

        return grpc.stream_unary_rpc_method_handler(handle)

    def stream(self, method: str, answer: Callable[[Call], AsyncGenerator[Message, None]]) -> Handler:
        async def act(call: Call, context: Context) -> None:
            async with aclosing(answer(call)) as messages:
                await self._send_all(messages, context)

        async def handle(_: object, context: Context) -> None:
            await self._pass(method, context, self._watches, act)

        return grpc.stream_stream_rpc_method_handler(handle)

    async def _send_all(self, messages: AsyncGenerator[Message, None], context: Context) -> None:
        await context.send_initial_metadata(_own())
        while (message := await self._streams.wait(lambda _: anext(messages, None), math.inf)) is not None:
            await context.write(message.SerializeToString())
        raise unavailable("This server is about to stop; watch again, from the last sequence that was seen.")

    async def _pass(self, method: str, context: Context, room: Room, act: Act) -> Any:
        REQUEST_ID.set(new_request_id())
        STANDINGS.set([])
        CLIENT_REQUEST_ID.set(client_request_id(first(context, CLIENT_HEADER.lower())))
        name, about = f"{SERVICE.full_name}/{method}", {"rpc.system": "grpc", "rpc.method": method}
        with self._tracing.span(name, "server", first(context, "traceparent"), about) as span:
            result, problem = await self._act(method, context, room, act, span.traceparent)
            status = STATUS[problem.code] if problem else grpc.StatusCode.OK
            self._metrics.ended(method, status)
            span.note({"rpc.grpc.status_code": status.value[0]})
            if status in OUR_FAULT:
                span.fail(status.name)
        if problem is not None:
            end = ending(problem, REQUEST_ID.get() or "")
            await context.abort(end.status, end.detail, (*end.trailing, *_left()))
        context.set_trailing_metadata((*_own(), *_left()))
        return result

    async def _act(
        self, method: str, context: Context, room: Room, act: Act, trace: str | None
    ) -> tuple[Any, Problem | None]:
        """The answer, or what is wrong."""
        try:
            with room.taken():
                caller = await self._callers.still(authorization(context), CALL)  # nobody else is waited for
                with self._shares[room].taken(caller.merchant):
                    call = await received(context, self._limits.message_read_max_s, trace)
                    return await act(call, context), None
        except asyncio.CancelledError:  # the client left, or its deadline passed
            self._metrics.ended(method, grpc.StatusCode.CANCELLED)
            raise
        except Exception as failed:
            return None, self._problem(failed, method)

    def _problem(self, failed: Exception, method: str) -> Problem:
        problem = problem_of(failed)
        self._metrics.problems.labels(method, problem.code.value).inc()
        if problem.code is Code.INTERNAL_ERROR:
            log.error("a call failed for a reason of ours: %s", method, exc_info=failed)
        elif problem.code is Code.UNAVAILABLE:
            level = logging.INFO if self._streams.is_ending else logging.WARNING
            log.log(level, "a call could not be served: %s: %s", method, problem.detail)
        return problem


def _left() -> tuple[tuple[str, str], ...]:
    """Of the caller's rate limits, as HTTP's headers tell it."""
    return tuple((name.lower(), value) for name, value in headers(STANDINGS.get() or ()).items())


def _own() -> tuple[tuple[str, str], ...]:
    return ((REQUEST_ID_KEY, REQUEST_ID.get() or ""),)
