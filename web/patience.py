"""How long a request waits for its answer: what the client prefers, what is sensible, and less once the door is closing."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

WAIT_MAX_S = 60.0
"""Longer than any slot of the gateway with its retries; shorter than most proxies' patience."""

Awaited = TypeVar("Awaited")

_PREFERENCE = re.compile(r"\s*([A-Za-z-]+)\s*(?:=\s*\"?(\d{1,6})\"?\s*)?(?:;.*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Preference:
    """How long to wait, and what of the client's preferences that fulfils (for `Preference-Applied`)."""

    wait_s: float
    applied: str | None = None


def preference(prefer: Iterable[str], default_s: float) -> Preference:
    """Reads `Prefer` headers: `wait=N`, `respond-async`. What is not understood is no preference. Source: RFC 7240."""
    wait_s, asynchronous = None, False
    for part in ",".join(prefer).split(","):
        match = _PREFERENCE.fullmatch(part)
        if match is None:
            continue
        name = match[1].lower()
        if name == "wait" and match[2] and wait_s is None:
            wait_s = min(float(match[2]), WAIT_MAX_S)
        elif name == "respond-async" and match[2] is None:
            asynchronous = True
    applied = ["respond-async"] if asynchronous else []
    if wait_s is not None:
        applied.append(f"wait={wait_s:.0f}")
    if wait_s is None:
        wait_s = 0.0 if asynchronous else default_s
    return Preference(wait_s, ", ".join(applied) or None)


class Patience:
    """Waits for answers; `end_within` makes all who wait, and all who will, wait no longer than that."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Timeout] = set()
        self._ends_at: float | None = None

    async def wait(
        self, answer: Callable[[float], Awaitable[Awaited | None]], wait_s: float
    ) -> Awaited | None:
        """What `answer` gives, which is told `wait_s`; None when it had to end."""
        if wait_s <= 0:
            return None
        scope = asyncio.timeout_at(self._ends_at)
        try:
            async with scope:
                self._waiting.add(scope)
                return await answer(wait_s)
        except TimeoutError:
            return None
        finally:
            self._waiting.discard(scope)

    @property
    def is_ending(self) -> bool:
        return self._ends_at is not None

    def end_within(self, seconds: float) -> None:
        self._ends_at = asyncio.get_running_loop().time() + seconds
        for scope in self._waiting:
            if not scope.expired():
                scope.reschedule(self._ends_at)
