"""An event loop in virtual time: nothing is waited for, and of all that is ready any may be next, by the seed's draw.

Whose a callback is, its context says: those of a process that was killed never run, those of one that is stopped wait until it
goes on. So a process can be killed between any two steps, without a single `finally`, as SIGKILL does it.
"""

import asyncio
import contextlib
import heapq
import random
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from itertools import count
from typing import Any, Protocol


class Owner(Protocol):
    def may_run(self, handle: asyncio.Handle) -> bool:
        """Whether this step of the owner's is taken now; if not, it is the owner's to keep or to forget."""


OWNER: ContextVar[Owner | None] = ContextVar("owner", default=None)
"""The process that a callback belongs to. None: the world's own."""


def _nobodys() -> Context:
    context = copy_context()
    context.run(OWNER.set, None)
    return context


STEPS_MAX = 300_000
"""Of one story; a usual one takes a tenth. One that never comes to its end is a finding."""


class Endless(AssertionError):
    """The story goes on and on, or nothing can happen any more."""


class Numbered:
    """Has a hash that does not tell its address, or sets of tasks would be walked through in another order in each run."""

    _numbers = count()
    _number = -1

    def __hash__(self) -> int:
        if self._number < 0:
            self._number = next(self._numbers)
        return self._number


class NumberedFuture(Numbered, asyncio.Future[Any]):
    pass


class NumberedTask(Numbered, asyncio.Task[Any]):
    pass


class VirtualLoop(asyncio.BaseEventLoop):
    """`time()` begins at 0, and jumps to the next timer as soon as nothing is ready."""

    _ready: "list[asyncio.Handle]"  # of the base class: a deque
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self, draw: random.Random) -> None:
        super().__init__()
        self._draw, self._now_s, self.steps = draw, 0.0, 0
        self._ready = []
        self._made: list[
            NumberedTask
        ] = []  # all of them: what nobody holds would be closed, and its `finally` run
        self.set_task_factory(self._new_task)
        self.set_exception_handler(self._failed)
        self.failures: list[str] = []

    def time(self) -> float:
        return self._now_s

    def create_future(self) -> NumberedFuture:
        return NumberedFuture(loop=self)

    def _new_task(self, _: asyncio.AbstractEventLoop, work: Any, **more: Any) -> NumberedTask:
        task = NumberedTask(work, loop=self, **more)
        self._made.append(task)
        return task

    def _run_once(self) -> None:
        timers, ready = self._scheduled, self._ready
        while timers and timers[0].cancelled():
            heapq.heappop(timers)
        if not ready:
            if not timers:
                raise Endless("nothing will ever happen again")
            self._now_s = max(self._now_s, timers[0].when())
        while timers and timers[0].when() <= self._now_s:
            timer = heapq.heappop(timers)
            if not timer.cancelled():
                ready.append(timer)
        if ready:
            self._step(self._drawn())

    def _drawn(self) -> asyncio.Handle:
        ready = self._ready
        if (place := int(self._draw.random() * len(ready))) != len(ready) - 1:
            ready[place], ready[-1] = ready[-1], ready[place]
        return ready.pop()

    def _step(self, handle: asyncio.Handle) -> None:
        if handle.cancelled():
            return
        owner = handle._context.get(OWNER)  # type: ignore[attr-defined]
        if owner is not None and not owner.may_run(handle):
            return
        self.steps += 1
        if self.steps > STEPS_MAX:
            raise Endless(f"no end after {STEPS_MAX} steps, {self._now_s:.0f} s")
        handle._run()  # type: ignore[attr-defined]

    def again(self, handles: list[asyncio.Handle]) -> None:
        """These may run after all."""
        self._ready.extend(handles)

    def later(self, delay_s: float, call: Callable[[], object]) -> None:
        """As nobody's."""
        self.call_later(delay_s, call, context=_nobodys())

    def world(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """`work` as nobody's: it goes on, whatever becomes of who asked for it."""
        return self.create_task(work, context=_nobodys())

    def _failed(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if (error := context.get("exception")) is not None:
            self.failures.append(f"{context['message']}: {error!r}")

    def _process_events(self, event_list: object) -> None:
        """There is no selector."""

    def _write_to_self(self) -> None:
        """There is one thread."""

    def forget_all(self) -> None:
        """What was left standing anywhere ends here, unseen: its story is over."""
        for task in self._made:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            with contextlib.suppress(BaseException):
                task.get_coro().close()  # type: ignore[union-attr]
        self._made.clear()
        self._ready.clear()
        self._scheduled.clear()
