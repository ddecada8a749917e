"""API keys as the door remembers them: for seconds, through outages for minutes, and never beyond their end. Where keys are kept
is not here.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

from models.callers import ApiKeys, Operator, Principal
from models.errors import Unavailable
from streams import background
from streams.known import Known, digest_of

LISTEN_EVERY_S = 1.0
"""Between two looks at which keys were revoked or rotated. What was heard holds through an outage; what was said in the second
before one, or while it lasts, was not heard: docs/keys.md says what that means."""

log = logging.getLogger("millrace.keys")


class Keys(ApiKeys, Protocol):
    async def ends_of_changed(self) -> Mapping[bytes, datetime]:
        """By hash, the keys that were revoked or rotated lately, for longer than anybody remembers one, and when they end. Raises
        Unavailable.
        """
        ...


def _utc_now() -> datetime:
    return datetime.now(UTC)


class KnownKeys:
    """Fulfils ApiKeys in front of another. `now`: a clock for ages, in s; `wall`: the one that keys end by."""

    def __init__(
        self,
        keys: Keys,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._keys, self._wall = keys, wall
        self._known: Known[Principal | Operator] = Known(keys.holder, now)
        self._ends: Mapping[bytes, datetime] = {}
        self._listening: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Listens in the background: a key that nobody uses for a while must not come back with an outage."""
        self._listening = background.for_ever(self.listen, LISTEN_EVERY_S, _tell)

    async def stop(self) -> None:
        await background.stop(self._listening)

    async def holder(self, api_key: str) -> Principal | Operator | None:
        """Who holds it; None for a key that is not known or has expired, or was revoked, at most five seconds late. Raises
        Unavailable.
        """
        holder = await self._known.said_of(api_key)
        if holder is None:
            return None
        ends = (holder.expires_at, self._ends.get(digest_of(api_key)))
        now = self._wall()
        return None if any(at is not None and at <= now for at in ends) else holder

    async def listen(self) -> None:
        """Raises Unavailable."""
        self._ends = await self._keys.ends_of_changed()


def _tell(failed: Exception) -> None:
    if not isinstance(failed, Unavailable):  # readiness tells of that
        log.error("revoked keys cannot be listened for, trying again", exc_info=failed)
