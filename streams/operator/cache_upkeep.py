"""The cache held against PostgreSQL and the log after a replay: what is old is renewed, what never was so is dropped.

The cache may be ahead of PostgreSQL, by right: an answer leaves before the projection has come so far. So an entry is wrong only
if it is newer than the log itself, as read after the entry; of the same number as PostgreSQL's and otherwise; or nothing at all.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

from models.errors import Unavailable
from models.ids import PAYMENT_ID
from models.ports import View
from streams.adapters.postgres.kept import PostgresKept
from streams.adapters.redis_cache import KEPT_S, RedisPaymentCache, guarded_by, read
from streams.adapters.redis_upkeep import RedisUpkeep

PUT_TRIES, PUT_PAUSE_S = 5, 0.6  # longer than the cache is left alone after a failure
LOOKS, LOOK_PAUSE_S = 20, 0.5
"""At what is not right, and the pause before each: the projection, which keeps before it caches, comes so far within seconds."""

Sequences = Callable[[], Awaitable[dict[str, int]]]
"""How far the log is with each payment that has moved since the tables were verified, read when it is asked."""


class State(Enum):
    RIGHT = auto()
    OLD = auto()
    WRONG = auto()
    AHEAD = auto()  # of PostgreSQL: nothing can be said yet


@dataclass
class Put:
    """What was done. `left`: entries that are still not right."""

    entries: int = 0
    renewed: int = 0
    dropped: int = 0
    left: int = 0


class CacheUpkeep:
    def __init__(
        self, kept: PostgresKept, cache: RedisPaymentCache, upkeep: RedisUpkeep, moved: Sequences
    ) -> None:
        self._kept, self._cache, self._upkeep, self._moved = kept, cache, upkeep, moved

    async def refresh(self) -> Put:
        """Raises Unavailable."""
        async for views in self._kept.views_since(datetime.now(UTC) - timedelta(seconds=KEPT_S)):
            await self._put(views)
        done = Put()
        suspects: dict[str, bytes] = {}
        async for entries in self._upkeep.entries():
            done.entries += len(entries)
            states = await self._states(entries)
            suspects |= {name: value for name, value in entries.items() if states[name] is not State.RIGHT}
        for _ in range(LOOKS):
            if not suspects:
                break
            await asyncio.sleep(LOOK_PAUSE_S)
            suspects = await self._look_again(suspects, done)
        done.left = len(suspects)
        return done

    async def _look_again(self, suspects: dict[str, bytes], done: Put) -> dict[str, bytes]:
        """What stands there as it stood is mended. Those that are not right yet, or were not before they were mended."""
        entries = await self._upkeep.of(sorted(suspects))
        states = await self._states(entries, await self._moved())
        stays = {name for name, value in entries.items() if value == suspects[name]}
        wrong = [name for name in stays if states[name] is State.WRONG]
        for name in wrong:
            done.dropped += await self._upkeep.drop(name, entries[name])
        wanted = [name for name in stays if states[name] in (State.WRONG, State.OLD)]
        views = await self._kept.views([name for name in wanted if PAYMENT_ID.fullmatch(name)])
        await self._put(list(views.values()))
        done.renewed += len(views)
        return {name: value for name, value in entries.items() if states[name] is not State.RIGHT}

    async def _states(
        self, entries: dict[str, bytes], moved: dict[str, int] | None = None
    ) -> dict[str, State]:
        """`moved`: how far the log is with what has moved; None: that was not read yet."""
        found = {name: entry for name, value in entries.items() if (entry := _entry(name, value))}
        views = await self._kept.views(sorted({_payment(name, entry) for name, entry in found.items()}))
        refunds = await self._kept.refunded([name.rpartition("/")[2] for name in found if "/" in name])
        states = dict.fromkeys(entries, State.WRONG)
        for name, entry in found.items():
            payment = _payment(name, entry)
            known = views.get(payment)
            log = None if moved is None else moved.get(payment, 0)
            merchant, _, refund = name.rpartition("/")
            if merchant:
                told = (merchant, refund, payment) in refunds
                states[name] = State.RIGHT if told else _state_of_the_unknown(known, log)
                continue
            states[name] = _state(entry["sequence"], known, log)
            if states[name] is State.RIGHT and entry != known:
                states[name] = State.WRONG
        return states

    async def _put(self, views: Sequence[View]) -> None:
        for _ in range(PUT_TRIES):
            if await self._cache.put(views):
                return
            await asyncio.sleep(PUT_PAUSE_S)
        raise Unavailable("Redis does not take what it is to keep")


def _entry(name: str, value: bytes) -> View | None:
    """None for what is nothing, and for what is kept by another number than its own: that would outlive what is newer."""
    entry = read(value, name)
    return entry if entry is not None and guarded_by(value) == entry["sequence"] else None


def _payment(name: str, entry: View) -> str:
    """A refund's entry, `merchant/refund`, tells whose it is."""
    return str(entry.get("payment")) if "/" in name else name


def _state(sequence: int, known: View | None, moved: int | None) -> State:
    """By its number alone. `moved`: how far the log is; None: that was not read yet."""
    kept = known["sequence"] if known else 0
    if sequence == kept:
        return State.RIGHT
    if sequence < kept:
        return State.OLD
    return State.WRONG if moved is not None and sequence > max(kept, moved) else State.AHEAD


def _state_of_the_unknown(payment: View | None, moved: int | None) -> State:
    """Of a refund's entry where PostgreSQL has no such refund of the payment: the log may have one that is not kept yet."""
    kept = payment["sequence"] if payment else 0
    return State.AHEAD if moved is None or moved > kept else State.WRONG
