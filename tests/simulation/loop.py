"""An event loop in virtual time: nothing is waited for, and of all that is ready any may be next, by the seed's draw.

Whose a callback is, its context says: those of a process that was killed never run, those of one that is stopped wait until it
goes on. So a process can be killed between any two steps, without a single `finally`, as SIGKILL does it.
"""

import asyncio
import contextlib
import heapq
import random
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar
from itertools import count
from typing import Any, Protocol


class Owner(Protocol):
    def may_run(self, handle: asyncio.Handle) -> bool:
        """Whether this step of the owner's is taken now; if not, it is the owner's to keep or to forget."""


OWNER: ContextVar[Owner | None] = ContextVar("owner", default=None)
"""The process that a callback belongs to. None: the world's own."""


_NOBODYS = Context()


def _nobodys() -> Context:
    return _NOBODYS.copy()


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

    def __init__(self, draw: random.Random) -> None:
        super().__init__()
        self._draw, self._now_s, self.steps = draw, 0.0, 0
        self._ready = []
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._numbers = count()
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
        """Steps, until somebody stops the loop. A base loop's own `call_soon` and timers would take half of a story's time."""
        timers, ready, draw = self._timers, self._ready, self._draw.random
        while not self._stopping:  # type: ignore[attr-defined]
            if not ready and timers:
                self._now_s = max(self._now_s, timers[0][0])
            while timers and timers[0][0] <= self._now_s:
                ready.append(heapq.heappop(timers)[2])
            if not ready:
                raise Endless("nothing will ever happen again")
            place = int(draw() * len(ready))
            ready[place], ready[-1] = ready[-1], ready[place]
            self._step(ready.pop())

    def _step(self, handle: asyncio.Handle) -> None:
        if handle._cancelled:
            return
        context = handle._context  # type: ignore[attr-defined]
        owner = context.get(OWNER)
        if owner is not None and not owner.may_run(handle):
            return
        self.steps += 1
        if self.steps > STEPS_MAX:
            raise Endless(f"no end after {STEPS_MAX} steps, {self._now_s:.0f} s")
        try:
            context.run(handle._callback, *handle._args)  # type: ignore[attr-defined]
        except (SystemExit, KeyboardInterrupt):
            raise
        except Exception as failed:
            self.failures.append(f"a callback failed: {failed!r}")

    def call_soon(  # type: ignore[override]  # typed by what each callback takes
        self, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def again(self, handles: list[asyncio.Handle]) -> None:
        """These may run after all."""
        self._ready.extend(handles)

    def later(self, delay_s: float, call: Callable[..., object], *given: Any) -> None:
        """As nobody's."""
        self.call_at(self._now_s + delay_s, call, *given, context=_nobodys())

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
        # or what a `finally` still begins would be another loop's, and held by it
        asyncio._set_running_loop(self)
        try:
            while self._made:
                task = self._made.pop()
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                with contextlib.suppress(BaseException):
                    task.get_coro().close()
        finally:
            asyncio._set_running_loop(None)
        self._ready.clear()
        self._timers.clear()
