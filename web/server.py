"""The door on a socket: time-outs of connections, HTTP that is none, and leaving without dropping what was begun."""

import asyncio
import ssl
from dataclasses import dataclass

from aiohttp import web

from models.codes import Code
from web import answers
from web.app import PATIENCE
from web.gate import SERVER
from web.problems import Problem
from web.request_ids import HEADER as REQUEST_ID_HEADER
from web.request_ids import REQUEST_ID, new_request_id

IDLE_MAX_S = 75.0
"""For a connection to begin a request, and to end its headers: above the usual 60 s of load balancers."""

HEADER_MAX_BYTES = 16 * 1024
LINGER_S = 2.0
"""For a client to end a body that was refused before it was read."""

HANDSHAKE_MAX_S = 10.0
"""For TLS to be agreed on: who connects and says nothing goes away sooner than one who is known to speak HTTP."""

BACKLOG = 1024
DRAIN_S = 5.0
LAST_ANSWERS_S = 1.0
"""Of the drain, for answers to be written after waits were cut short."""


class Connection(web.RequestHandler):
    """Says in the door's own words what is wrong with a request that never became one."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        code = Code.MALFORMED_REQUEST if status == 400 else Code.INTERNAL_ERROR
        request_id = new_request_id()
        REQUEST_ID.set(request_id)
        if code is Code.INTERNAL_ERROR:
            self.log_exception("a request failed outside the gate", exc_info=exc)
        response = answers.problem(Problem(code, "The request is not well-formed HTTP."), request_id)
        response.headers[REQUEST_ID_HEADER] = request_id
        response.headers["Server"] = SERVER
        response.force_close()
        return response


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
        await self.runner.cleanup()


async def serve(
    app: web.Application,
    host: str,
    port: int,
    drain_s: float = DRAIN_S,
    tls: ssl.SSLContext | None = None,
) -> Serving:
    """`port` 0 takes a free one. `tls`: HTTPS, and nothing else."""
    runner = web.AppRunner(app, shutdown_timeout=drain_s)
    await runner.setup()
    loop = asyncio.get_running_loop()

    def connection() -> Connection:
        assert runner.server is not None
        return Connection(
            runner.server,
            loop=loop,
            keepalive_timeout=IDLE_MAX_S,
            lingering_time=LINGER_S,
            max_line_size=HEADER_MAX_BYTES,
            max_field_size=HEADER_MAX_BYTES,
            auto_decompress=False,
            access_log=None,  # type: ignore[arg-type]
        )

    listener = await loop.create_server(
        connection,
        host,
        port,
        backlog=BACKLOG,
        ssl=tls,
        ssl_handshake_timeout=HANDSHAKE_MAX_S if tls else None,
    )
    return Serving(runner, listener, listener.sockets[0].getsockname()[1], drain_s)
