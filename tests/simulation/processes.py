"""Processes of the simulated machine room: each can be killed, stopped and let go on. What it does is not here."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from aiokafka.errors import KafkaError

from tests.simulation.loop import OWNER

if TYPE_CHECKING:
    from tests.simulation.door import Door
    from tests.simulation.room import Room

T = TypeVar("T")


class Killed(BaseException):
    """Raised where a process ends itself in the middle of a step: nothing may catch it."""


class Process:
    """One life of a process, in `room`. `skew_s`: how wrong its clock is."""

    def __init__(self, role: str, number: int, room: "Room", skew_s: float = 0.0) -> None:
        self.role, self.number, self.room, self.skew_s = role, number, room, skew_s
        self.name, self.loop = f"{role}-{number}", room.loop
        self.door: Door | None = None
        self.callers: list[asyncio.Future[Any]] = []
        """Who has asked its door: they see when it ends."""
        self.alive, self.stopped = True, False
        self.silent_since: float | None = None
        """Since when nobody has heard of it; None: it is there."""
        self._kept: list[asyncio.Handle] = []
        self._fuse: int | None = None
        self._fuse_of_work: int | None = None
        self._at_fuse: Callable[[], None] = self.stop
        self.crash_at: str | None = None
        self._context = self._own_context()

    def _own_context(self) -> Context:
        context = copy_context()
        context.run(OWNER.set, self)
        return context

    def note(self, what: str) -> None:
        self.room.story.note(self.name, what)

    def run(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        return self.loop.create_task(work, context=self._context.copy())

    def may_run(self, handle: asyncio.Handle) -> bool:
        if not self.alive or self.stopped:
            self._kept.append(handle)  # a killed one's as well: letting go of it would run its `finally`
            return False
        if self._fuse is not None:
            self._fuse -= 1
            if self._fuse < 0:
                self._fuse = None
                self._at_fuse()
                self._kept.append(handle)
                return False
        return True

    def after(self, steps: int, call: Callable[[], None]) -> None:
        """When it has got something to do, and has taken so many more steps: between any two of them."""
        self._fuse_of_work, self._at_fuse = steps, call

    def works(self) -> None:
        """It has got something to do."""
        if self._fuse_of_work is not None:
            self._fuse, self._fuse_of_work = self._fuse_of_work, None

    def spare(self) -> None:
        """No fault that was prepared comes any more."""
        self._fuse = self._fuse_of_work = self.crash_at = None

    def kill(self, why: str = "is killed") -> None:
        if self.alive:
            self.alive, self.silent_since = False, self.loop.time()
            self.note(why)
            for caller in self.callers:
                if not caller.done():
                    caller.set_exception(ConnectionResetError(f"{self.name} has ended"))
            self.room.silent(self)
            self.room.ended(self)

    def died(self, why: str, error: BaseException | None) -> None:
        """By its own hand. Where `error` is none of the delivery's usual reasons, it is a finding."""
        self.kill(f"ends itself: {why}")
        if error is not None and not isinstance(error, KafkaError):
            self.room.findings.append(f"{self.name} fell over {error!r}")

    def stop(self) -> None:
        """SIGSTOP."""
        if not self.alive or self.stopped:
            return
        self.stopped, self.silent_since = True, self.loop.time()
        self.note("is stopped")
        self.room.silent(self)

    def go_on(self) -> None:
        if self.alive and self.stopped:
            self.stopped, self.silent_since = False, None
            self.note("goes on")
            kept, self._kept = self._kept, []
            self.loop.again(kept)

    def crashpoint(self, point: str) -> None:
        if self.crash_at == point:
            self.kill(f"is killed at {point}")
            raise Killed(point)


def current() -> Process:
    """Whose step this is."""
    process = OWNER.get()
    assert isinstance(process, Process)
    return process
