"""Waiting for a condition with a deadline: tests never sleep a fixed time for something to have happened."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

POLL_S = 0.05

T = TypeVar("T")


@overload
async def until(condition: Callable[[], Awaitable[T]], within_s: float, what: str) -> T: ...
@overload
async def until(condition: Callable[[], T], within_s: float, what: str) -> T: ...
async def until(condition: Callable[[], Any], within_s: float, what: str) -> Any:
    """What it says once it holds: True, or what it has found. Raises AssertionError when it did not in time."""
    began = time.monotonic()
    while True:
        told = condition()
        if holds := await told if inspect.isawaitable(told) else told:
            return holds
        assert time.monotonic() - began < within_s, f"not within {within_s:g} s: {what}"
        await asyncio.sleep(POLL_S)
