"""grpc.health.v1: whether the door can serve, as /readyz says it. What readiness is, is not known here.

Not grpcio's own servicer: a watcher of its who reads slowly keeps all from being told, and none is let go while the door closes.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import grpc
from grpc_health.v1 import health_pb2 as pb

from web.grpc.calls import Context, message, read
from web.grpc.gate import Handler
from web.grpc.statuses import STATUS
from web.ports import Readiness
from web.problems import Problem
from web.readiness import what_is_missing
from web.rooms import Room

HEALTH: str = pb.DESCRIPTOR.services_by_name["Health"].full_name
CHECKS_MAX, WATCHES_MAX = 256, 128
"""At once, of anybody's: nobody needs a key for them, so they take none of the calls' places."""
ASKED_WITHIN_S = 2.0
"""For a call's message to come: a dozen bytes. gRPC itself would wait without end."""
LOOK_EVERY_S = 2.0
"""Between two looks at what is missing, for all who ask or watch together."""

Response = pb.HealthCheckResponse

log = logging.getLogger("millrace.web")


class Health:
    """`services`: those there are; the empty name stands for the whole server."""

    def __init__(self, readiness: Readiness, services: frozenset[str], look_every_s: float) -> None:
        self._readiness, self._services, self._look_every_s = readiness, services | {""}, look_every_s
        self._status, self._closing, self._changed = Response.NOT_SERVING, False, asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._checks, self._watches = Room(CHECKS_MAX), Room(WATCHES_MAX)

    async def start(self) -> None:
        """Returns once it is known."""
        await self._look()
        self._looking = asyncio.create_task(self._look_on())

    def close(self) -> None:
        """NOT_SERVING from now on; whoever watches is told, and let go."""
        if self._looking:
            self._looking.cancel()
        self._closing = True
        self._say(Response.NOT_SERVING)

    def handlers(self) -> Mapping[str, Handler]:
        return {
            "Check": grpc.stream_unary_rpc_method_handler(_told(self.check)),
            "Watch": grpc.stream_stream_rpc_method_handler(_told(self.watch)),
        }

    async def check(self, _: object, context: Context) -> bytes:
        with self._checks.taken():
            service = await _service(context)
        if service not in self._services:
            await context.abort(grpc.StatusCode.NOT_FOUND, "There is no such service.")
        return _written(self._status)

    async def watch(self, _: object, context: Context) -> None:
        """A service that is not there may come: it is said that it is unknown. Source: grpc/health/v1/health.proto."""
        with self._watches.taken():
            service, told = await _service(context), None
            while True:
                changed = self._changed
                status = self._status if service in self._services else Response.SERVICE_UNKNOWN
                if status != told:
                    await context.write(_written(status))
                    told = status
                if self._closing:
                    await context.abort(grpc.StatusCode.UNAVAILABLE, "This server is about to stop.")
                await changed.wait()

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(self._look_every_s)
            await self._look()

    async def _look(self) -> None:
        try:
            missing = await what_is_missing(self._readiness)
        except Exception:
            log.exception("whether the door can serve could not be found out")
            missing = {"probe": "failed"}
        self._say(Response.NOT_SERVING if missing else Response.SERVING)

    def _say(self, status: Any) -> None:
        self._status = status
        self._changed.set()
        self._changed = asyncio.Event()


def _told(answer: Callable[[object, Context], Awaitable[Any]]) -> Callable[[object, Context], Awaitable[Any]]:
    """A problem as a status, without what the service's own calls tell besides."""

    async def handle(asked: object, context: Context) -> Any:
        try:
            return await answer(asked, context)
        except Problem as problem:
            await context.abort(STATUS[problem.code], problem.detail)

    return handle


async def _service(context: Context) -> str:
    """Which one is asked about. Raises Problem."""
    return str(read(pb.HealthCheckRequest, await message(context, ASKED_WITHIN_S)).service)


def _written(status: Any) -> bytes:
    return bytes(Response(status=status).SerializeToString())
