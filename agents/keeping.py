"""Keeping what events lead to, in a store that may be away, and may refuse the content of one among many. What is kept, and what
becomes of the refused, is each agent's.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from models.errors import InvariantBroken, Unavailable

RETRY_FIRST_S, RETRY_MAX_S = 0.1, 2.0
"""Pauses while the store cannot be reached, doubled from the first to the longest: it is back within seconds."""

STALL_S = 3600.0
"""PostgreSQL may be away for long; the events wait in Kafka. Only a process that hangs for an hour starts anew."""

T = TypeVar("T")


async def until_reached(ask: Callable[[], Awaitable[T]], log: logging.Logger) -> T:
    """What it says once the store is there, however long it is away. Raises what `ask` raises but Unavailable."""
    pause_s = RETRY_FIRST_S
    while True:
        try:
            return await ask()
        except Unavailable as away:
            log.warning("PostgreSQL is away, trying again in %.1f s: %s", pause_s, away)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, RETRY_MAX_S)


async def keep(
    items: Sequence[T],
    put: Callable[[Sequence[T]], Awaitable[object]],
    tell: Callable[[T, InvariantBroken], None],
) -> list[T]:
    """All at once; what is refused is looked for by halves, so that it stops nobody, told of, and returned. Raises what `put`
    raises but InvariantBroken.
    """
    if not items:
        return []
    try:
        await put(items)
    except InvariantBroken as refusal:
        if len(items) == 1:
            tell(items[0], refusal)
            return [*items]
        half = len(items) // 2
        return await keep(items[:half], put, tell) + await keep(items[half:], put, tell)
    return []
