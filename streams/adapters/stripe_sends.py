"""What was sent to Stripe while one call was made: noted where it is sent, gathered where the call is made. Nothing is sent here.

Between the two lie looks of several kinds, each of which would have to hand it on: so it is kept with the running task.
"""

import re
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, TypeVar

from models.provider import SENDS_TOLD_MAX, Send

CUT_SHORT = "cut short by us"
"""The time for all of it was over."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""As Stripe makes them, and short; what else stands in that header is not told: an outcome must be writable."""

_sends: ContextVar[list[Send] | None] = ContextVar("sends", default=None)


class Heard(Protocol):
    @property
    def ending(self) -> str: ...

    @property
    def request_id(self) -> str | None: ...


H = TypeVar("H", bound=Heard)


@contextmanager
def noting() -> Iterator[list[Send]]:
    """All that this task sends meanwhile, in order; of more than SENDS_TOLD_MAX the first ones, and the last."""
    sends: list[Send] = []
    before = _sends.set(sends)
    try:
        yield sends
    finally:
        _sends.reset(before)


async def noted(asked: str, send: Awaitable[H]) -> H:
    """What `send` gives, and a note of it where somebody gathers them."""
    ended, request = CUT_SHORT, None
    try:
        heard = await send
        ended, request = heard.ending, heard.request_id
        return heard
    finally:
        if (sends := _sends.get()) is not None:
            if len(sends) == SENDS_TOLD_MAX:
                sends.pop()
            sends.append(Send(asked, ended, request_id_of(request)))


def request_id_of(name: object) -> str | None:
    """Stripe's id of a request, where `name` is one."""
    return name if isinstance(name, str) and _REQUEST_ID.fullmatch(name) else None
