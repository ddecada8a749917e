"""What a store says of a name, remembered for a few seconds, and through an outage for what was seen before. What the names
are, and where the store is, is not here.
"""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from models.errors import Unavailable

FRESH_S = 5.0  # what the store says otherwise is noticed within this
ASK_AGAIN_S = 2.5  # from then on the answer is renewed in the background, so that nobody waits for it
GRACE_S = 600.0  # while the store is away: payments go on being accepted from keys seen within this time
AWAY_S = (
    2.0  # a failure says that the store is away for so long; longer than ASK_AWAY_S and one answer's time-out
)
ASK_AWAY_S = 0.5  # how often it is asked again meanwhile
UNKNOWN_MAX = 256
"""Names never heard of that are asked about at once, from anybody: while the store is slow they must not take all places, nor
stand in the way of those that are known."""
KNOWN_MAX = 10_000  # names, about 500 bytes each

T = TypeVar("T")


def digest_of(name: str) -> bytes:
    """What is remembered in a name's place, so that a core dump holds no key, and what a key is stored as. SHA-256 is enough for
    256 random bits: nobody can try them out, so nothing is slowed down or salted.
    """
    return hashlib.sha256(name.encode(errors="surrogatepass")).digest()


@dataclass(slots=True)
class _Answer(Generic[T]):
    said: T
    asked_at: float


class Known(Generic[T]):
    """`ask`: the store; it says None of what is not there, and raises Unavailable. That it is not there is not remembered."""

    def __init__(
        self, ask: Callable[[str], Awaitable[T | None]], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask_store, self._now = ask, now
        self._known: dict[bytes, _Answer[T]] = {}
        self._asking: dict[bytes, asyncio.Task[T | None]] = {}
        self._failed_at = float("-inf")
        self._unknown: set[bytes] = set()
        self._waiting = 0

    async def said_of(self, name: str) -> T | None:
        """What the store says, at most FRESH_S ago, or GRACE_S while it is away. Raises Unavailable."""
        digest = digest_of(name)
        known, now = self._known.get(digest), self._now()
        if known is None:
            return await self._ask_unknown(digest, name)
        away_s, age_s = now - self._failed_at, now - known.asked_at
        fresh, in_grace = age_s < FRESH_S, age_s < GRACE_S
        if fresh or (away_s < AWAY_S and in_grace):
            if age_s >= ASK_AGAIN_S and away_s >= ASK_AWAY_S:
                self._start_asking(digest, name)
            return known.said
        try:
            return await self._ask(digest, name)
        except Unavailable:
            if not in_grace:
                raise
            return known.said

    async def _ask_unknown(self, digest: bytes, name: str) -> T | None:
        """Bounded are those who wait, and what is asked on behalf of those who have left."""
        if max(self._waiting, len(self._unknown)) >= UNKNOWN_MAX:
            raise Unavailable("too many unknown names are asked about")
        self._waiting += 1
        self._unknown.add(digest)
        try:
            return await self._ask(digest, name)
        finally:
            self._waiting -= 1

    async def _ask(self, digest: bytes, name: str) -> T | None:
        """However many want to know at once, the store is asked once."""
        return await asyncio.shield(self._start_asking(digest, name))

    def _start_asking(self, digest: bytes, name: str) -> "asyncio.Task[T | None]":
        if digest not in self._asking:
            task = self._asking[digest] = asyncio.create_task(self._learn(digest, name))
            task.add_done_callback(lambda done: self._asked(digest, done))
        return self._asking[digest]

    async def _learn(self, digest: bytes, name: str) -> T | None:
        asked_at = self._now()  # what changes while the answer is on its way counts from here
        try:
            said = await self._ask_store(name)
        except Unavailable:
            self._failed_at = self._now()
            raise
        self._failed_at = float("-inf")
        self._known.pop(digest, None)
        if said is not None:
            self._known[digest] = _Answer(said, asked_at)
            if len(self._known) > KNOWN_MAX:
                del self._known[next(iter(self._known))]
        return said

    def _asked(self, digest: bytes, task: "asyncio.Task[T | None]") -> None:
        del self._asking[digest]
        self._unknown.discard(digest)
        if not task.cancelled():
            task.exception()  # seen: nobody may have been waiting
