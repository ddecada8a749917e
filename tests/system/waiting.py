"""Waiting for a condition with a deadline: tests never sleep a fixed time for something to have happened."""

import asyncio
import time
from collections.abc import Awaitable, Callable

POLL_S = 0.05


async def until(condition: Callable[[], bool | Awaitable[bool]], within_s: float, what: str) -> float:
    """Seconds it took. Raises AssertionError when it did not come true in time."""
    began = time.monotonic()
    while True:
        holds = condition()
        if holds if isinstance(holds, bool) else await holds:
            return time.monotonic() - began
        assert time.monotonic() - began < within_s, f"not within {within_s:g} s: {what}"
        await asyncio.sleep(POLL_S)
