"""How a process ends: at once and with its own status, whenever something is not as expected.

The memory of a writer runs ahead of the log; so going on after a surprise could publish what was never kept. A kill
at any instant is the one failure everything else here is built for, and so a kill is the answer to every other.
No clean-up belongs here.
"""

import asyncio
import contextlib
import faulthandler
import functools
import logging
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any, NoReturn, ParamSpec, TypeVar

EXIT_UNEXPECTED = 70  # something escaped that nobody expected (EX_SOFTWARE of sysexits.h)
EXIT_STOP_OVERDUE = 71  # told to stop, and not stopped within `stop_s`

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger("millrace.delivery")


def die(
    why: str,
    exc: BaseException | None = None,
    status: int = EXIT_UNEXPECTED,
    loops: Iterable[asyncio.AbstractEventLoop] = (),
) -> NoReturn:
    """End this process now, from whatever thread: no `finally`, no `atexit`, nothing half done in a hurry. Something
    hangs? Then it says first where each thread and each task of `loops` is.
    """
    with contextlib.suppress(Exception):  # whatever it is: the end must come
        for number, loop in enumerate(loops):
            if number == 0:
                faulthandler.dump_traceback(file=sys.stderr)
            tell_tasks(loop)
    log.critical("stopping at once: %s", why, exc_info=exc)
    logging.shutdown()
    os._exit(status)


def vital(method: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """What escapes ends the process. (Faust acks the event of an agent that raises; aiokafka only logs a listener.)"""

    @functools.wraps(method)
    async def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except Exception as exc:
            die(f"{method.__qualname__}: {exc!r}", exc)

    return guarded


def watch(tasks: Mapping[str, "asyncio.Task[None]"], wanted: Callable[[], bool]) -> None:
    """One that ends while it is wanted ends the process. aiokafka only logs what ends its own: without one nothing came, or
    went out, any more, and the process seemed well.
    """

    def has_ended(name: str, task: "asyncio.Task[None]") -> None:
        if wanted():
            die(f"ended, and told nobody: {name}", None if task.cancelled() else task.exception())

    for name, task in tasks.items():
        task.add_done_callback(functools.partial(has_ended, name))


def end_within(seconds: float, loops: Iterable[asyncio.AbstractEventLoop]) -> None:
    """From now on this process has so long to end by itself; then it is ended, and says where it hung.

    A thread, not a task: what hangs may be the event loop.
    """

    def overdue() -> NoReturn:
        die(f"told to stop {seconds:g} s ago, and still here", status=EXIT_STOP_OVERDUE, loops=loops)

    timer = threading.Timer(seconds, overdue)
    timer.daemon = True
    timer.start()


def tell_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """What each task of the loop waits for, down the chain of its awaits, on standard error."""
    with contextlib.suppress(RuntimeError):  # the set of tasks may change under us
        for task in asyncio.all_tasks(loop):
            print(" > ".join(awaits(task.get_coro())), file=sys.stderr)


def awaits(coroutine: Any) -> list[str]:
    """Where it stands: each coroutine of the chain as name:line."""
    found = []
    while (frame := getattr(coroutine, "cr_frame", None)) is not None:
        found.append(f"{coroutine.__qualname__}:{frame.f_lineno}")
        coroutine = coroutine.cr_await
    return found
