"""Waiting for a condition with a deadline: tests never sleep a fixed time for something to have happened."""

import asyncio
import time
from collections.abc import Callable

POLL_S = 0.05


async def until(condition: Callable[[], bool], within_s: float, what: str) -> float:
    """Seconds it took. Raises AssertionError when it did not come true in time."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < within_s, f"not within {within_s:g} s: {what}"
        await asyncio.sleep(POLL_S)
    return time.monotonic() - began
