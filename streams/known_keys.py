"""API keys remembered for a few seconds, and through an outage for those seen before. Where keys are kept is not here."""

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from models.errors import Unavailable
from models.ports import ApiKeys, Principal

FRESH_S = 5.0  # a revoked key is taken for no longer than this
ASK_AGAIN_S = 2.5  # from then on the answer is renewed in the background, so that nobody waits for it
GRACE_S = 600.0  # while the store is away: payments go on being accepted from keys seen within this time
AWAY_S = (
    2.0  # a failure says that the store is away for so long; longer than ASK_AWAY_S and one answer's time-out
)
ASK_AWAY_S = 0.5  # how often it is asked again meanwhile
KNOWN_MAX = 10_000  # keys, about 500 bytes each


@dataclass(slots=True)
class _Known:
    holder: Principal
    asked_at: float


class KnownKeys:
    """Fulfils ApiKeys in front of another. Keys are remembered by their hash: a core dump holds none."""

    def __init__(self, keys: ApiKeys, now: Callable[[], float] = time.monotonic) -> None:
        self._keys, self._now = keys, now
        self._known: dict[bytes, _Known] = {}
        self._asking: dict[bytes, asyncio.Task[Principal | None]] = {}
        self._failed_at = float("-inf")

    async def holder(self, api_key: str) -> Principal | None:
        """Who holds it; None for a key that is not known or was revoked, at most five seconds late. Raises Unavailable."""
        digest = hashlib.sha256(api_key.encode(errors="surrogatepass")).digest()
        known, now = self._known.get(digest), self._now()
        if known is None:
            return await self._ask(digest, api_key)
        away_s, age_s = now - self._failed_at, now - known.asked_at
        fresh, in_grace = age_s < FRESH_S, age_s < GRACE_S
        if fresh or (away_s < AWAY_S and in_grace):
            if age_s >= ASK_AGAIN_S and away_s >= ASK_AWAY_S:
                self._start_asking(digest, api_key)
            return known.holder
        try:
            return await self._ask(digest, api_key)
        except Unavailable:
            if not in_grace:
                raise
            return known.holder

    async def _ask(self, digest: bytes, api_key: str) -> Principal | None:
        """However many want to know at once, the store is asked once."""
        return await asyncio.shield(self._start_asking(digest, api_key))

    def _start_asking(self, digest: bytes, api_key: str) -> asyncio.Task[Principal | None]:
        if digest not in self._asking:
            task = self._asking[digest] = asyncio.create_task(self._learn(digest, api_key))
            task.add_done_callback(lambda done: self._asked(digest, done))
        return self._asking[digest]

    async def _learn(self, digest: bytes, api_key: str) -> Principal | None:
        asked_at = self._now()  # what is revoked while the answer is on its way counts from here
        try:
            holder = await self._keys.holder(api_key)
        except Unavailable:
            self._failed_at = self._now()
            raise
        self._failed_at = float("-inf")
        self._known.pop(digest, None)
        if holder is not None:
            self._known[digest] = _Known(holder, asked_at)
            if len(self._known) > KNOWN_MAX:
                del self._known[next(iter(self._known))]
        return holder

    def _asked(self, digest: bytes, task: asyncio.Task[Principal | None]) -> None:
        del self._asking[digest]
        if not task.cancelled():
            task.exception()  # seen: nobody may have been waiting
