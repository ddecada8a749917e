"""One client's connection: how long it may take, how many there may be, and HTTP that is none. Not what is asked on it."""

import asyncio
import socket
from typing import Any, cast

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from models.codes import Code
from web import answers
from web.full_house import Framing, FullHouse
from web.problems import Problem, unavailable
from web.raw import raw
from web.request_ids import REQUEST_ID, new_request_id

IDLE_MAX_S = 75.0
"""Between two requests: above the usual 60 s of load balancers."""

HEAD_MAX_S = 10.0
"""For a request's line and headers to come, from their first byte."""

UNREAD_MAX_S = 30.0
"""For a client to take in what it was sent."""

HEAD_LINE_MAX_BYTES = 16 * 1024
HEAD_MAX_BYTES = 64 * 1024
"""Of all lines and headers together: HTTP's parser would keep 2 MB for each of thousands of connections."""
TOO_MUCH = f"The request's headers are more than {HEAD_MAX_BYTES // 1024} KiB."
TOO_LONG = f"The request's line or a header is longer than {HEAD_LINE_MAX_BYTES // 1024} KiB."
MALFORMED = "The request is not well-formed HTTP."
LINGER_S = 2.0
"""For a client to end a body that was refused before it was read."""

CONNECTIONS_MAX = 5_000
"""Open at once: idle ones weigh some 20 kB each."""


class Connection(web.RequestHandler):
    """Says in the door's own words what is wrong with a request that never became one."""

    __slots__ = ("_framing", "_full_house", "_head_bytes", "_head_timer")

    def __init__(self, *args: Any, full_house: FullHouse, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._full_house = full_house
        self._head_timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._framing = Framing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        plug = transport.get_extra_info("socket")
        if plug is not None and hasattr(
            socket, "TCP_USER_TIMEOUT"
        ):  # Linux: else only the system's own patience
            plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(UNREAD_MAX_S * 1000))

    def data_received(self, data: bytes) -> None:
        if self._may_be_turned_away() and (answer := self._full_house.answer(data)):
            assert self.transport is not None
            self.transport.write(answer)
            self._next_keepalive_close_time = self._loop.time() + self.keepalive_timeout
            return
        self._framing.take(data)
        super().data_received(data)
        waits_for_a_head = self._waits_for_a_head()
        self._head_bytes = self._head_bytes + len(data) if waits_for_a_head else 0
        if self._head_bytes > HEAD_MAX_BYTES:
            self._give_up(Problem(Code.MALFORMED_REQUEST, TOO_MUCH))
        elif waits_for_a_head and self._head_timer is None:
            late = Problem(Code.REQUEST_TIMEOUT, "The request did not come in time.")
            self._head_timer = self._loop.call_later(HEAD_MAX_S, self._give_up, late)
        elif not waits_for_a_head and self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
        super().connection_lost(exc)

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
        detail = TOO_LONG if isinstance(exc, LineTooLong) else MALFORMED
        response = answers.problem(Problem(code, detail), request_id)
        answers.named(response, request_id)
        response.force_close()
        return response

    def _waits_for_a_head(self) -> bool:
        return self._waiter is not None and not self._waiter.done()

    def _may_be_turned_away(self) -> bool:
        """Who does not read (`_paused`) waits until they do, as always: what is written to them would pile up."""
        return self._waits_for_a_head() and self._framing.is_between and not self._paused

    def _give_up(self, why: Problem) -> None:
        if self.transport is not None:
            self.transport.write(raw(why))
        self.force_close()


class TurnedAway(asyncio.Protocol):
    """There are as many as can be served: whoever comes now is told so, and costs nothing more."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        plug = cast(asyncio.Transport, transport)  # uvloop's are none by their class
        plug.write(raw(unavailable("Too many connections are open; try again.")))
        plug.close()
