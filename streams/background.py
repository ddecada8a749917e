"""Tasks that nobody awaits: begun anew however they end, until they are stopped; and that a task that is stopped stops. What they
do is not here.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

AGAIN_S = 1.0


def for_ever(
    work: Callable[[], Awaitable[object]], pause_s: float, failed: Callable[[Exception], object]
) -> "asyncio.Task[None]":
    """`work` again and again, with a pause between. `failed` is told what it raised."""

    async def run() -> None:
        while True:
            try:
                await work()
            # whatever it is: without this task nobody does the work any more
            except Exception as failure:
                failed(failure)
            await asyncio.sleep(pause_s)

    return asyncio.create_task(run())


async def stop(*tasks: "asyncio.Task[Any] | None") -> None:
    """Returns when they have ended, however that was. None: one that was never begun. Who has swallowed that it was canceled, as
    `asyncio.wait_for` of Python 3.11 does where it meets the result (aiopg awaits each answer by it), is canceled again.
    """
    begun = left = {task for task in tasks if task is not None}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_S)
    await asyncio.gather(*begun, return_exceptions=True)


@asynccontextmanager
async def no_cancellation_swallowed() -> AsyncIterator[None]:
    """Who is canceled in here ends canceled, whatever became of the work; who was canceled before may still clean up in here.

    Around what awaits by `asyncio.wait_for`, as aiopg and redis-py do.
    """
    task = asyncio.current_task()
    canceled_before = task.cancelling() if task else 0
    try:
        yield
    finally:
        if task and task.cancelling() > canceled_before:
            raise asyncio.CancelledError
