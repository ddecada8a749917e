"""What time it is, for all that asks: the loop's time, set forth from a fixed day, and by jumps that a story makes.

Monotonic time never jumps; a process's wall clock may be wrong by some minutes.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from typing import Any

import pytest

import agents.gateway.__main__ as gateway
import agents.writer.__main__ as writer
from streams.adapters import stripe_provider
from tests.simulation.loop import OWNER, VirtualLoop
from web import payments, webhooks

BEGINS = datetime(2026, 11, 2, 12, tzinfo=UTC)
READERS = (gateway, writer, stripe_provider, payments, webhooks)
"""Modules that ask `datetime.now`, which cannot be replaced for all at once."""


class Clock:
    def __init__(self, loop: VirtualLoop) -> None:
        self._loop, self._jumped_s = loop, BEGINS.timestamp()

    def now_s(self) -> float:
        """Seconds since 1970, by the clock of whoever asks."""
        return self._jumped_s + self._loop.time() + getattr(OWNER.get(), "skew_s", 0.0)

    def jump(self, seconds: float) -> None:
        """All the world's wall clocks; whoever sleeps, sleeps on."""
        self._jumped_s += seconds


@contextmanager
def virtual_time(clock: Clock, loop: VirtualLoop) -> Iterator[None]:
    class Virtual(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.fromtimestamp(clock.now_s(), tz)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", clock.now_s)
        patch.setattr(time, "monotonic", loop.time)
        for module in READERS:
            patch.setattr(module, "datetime", Virtual)
        yield
