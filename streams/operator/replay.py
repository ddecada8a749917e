"""`millrace replay`: PostgreSQL's tables and the cache made anew from the event log, while everything serves. What becomes of an
event is the projection's code; how tables are switched is PostgreSQL's adapter's.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from models.errors import InvariantBroken, Unavailable
from models.ports import Change
from streams import topics
from streams.adapters.kafka_log import KafkaLog
from streams.adapters.postgres.differing import Noted
from streams.adapters.postgres.kept import PostgresKept
from streams.adapters.postgres.rebuild_session import Hindered, Switched
from streams.adapters.postgres.rebuilding import Rebuilding
from streams.adapters.postgres.store import PostgresPaymentStore
from streams.adapters.redis_cache import RedisPaymentCache
from streams.adapters.redis_upkeep import RedisUpkeep
from streams.crashpoints import Crashpoint, crashpoints
from streams.delivery import Poison
from streams.kafka_clients import client_settings, reaching
from streams.operator import Refused
from streams.operator.cache_upkeep import CacheUpkeep, Put
from streams.operator.progress import Progress, Steps
from streams.operator.whole_log import SMALL_ENOUGH, committed_by, refuse_beheaded, refuse_cut_short
from streams.reconciling.reconciler import Findings, Reconciler, Scope, Truths
from streams.settings import Settings
from streams.wire.changes import change_of

PROJECTION = "projection"
"""The role that names its consumer group."""

ANOTHERS = (
    "the log holds no events, and the live tables hold payments: it is not the log that they were made from"
)


@dataclass
class Replayed:
    """What was done. `switched` and all behind it: None where nothing was switched."""

    events: int = 0
    unreadable: int = 0
    unkeepable: int = 0
    took_s: float = 0.0
    differences: Noted | None = None
    writers_waited_ms: float = 0.0
    switched: Switched | None = None
    verified: Findings | None = None
    cache: Put | None = None

    @property
    def is_right(self) -> bool:
        return bool(self.verified and self.cache and not self.verified.differences and not self.cache.left)


async def replay(settings: Settings, dry_run: bool) -> Replayed:
    """Raises Refused and Unavailable: the live tables are then as they were, unless it says otherwise."""
    crashpoint = crashpoints(settings.crashpoints_dir)
    with reaching(settings):
        try:
            with Rebuilding(settings.postgres_dsn) as tables:
                return await _Replay(settings, tables, crashpoint).run(dry_run)
        except Hindered as hindered:
            raise Refused(str(hindered)) from hindered


@dataclass
class _Replay:
    settings: Settings
    tables: Rebuilding
    crashpoint: Crashpoint
    done: Replayed = field(default_factory=Replayed)
    touched: dict[str, tuple[int, int]] | None = None
    """Where the last event lies of each payment that was read of since the first comparison began: partition and offset."""

    async def run(self, dry_run: bool) -> Replayed:
        await asyncio.to_thread(self.tables.prepare)
        async with AsyncExitStack() as stack:
            clients = client_settings(self.settings)
            log = await stack.enter_async_context(KafkaLog(clients, topics.EVENTS))
            refuse_beheaded(log)
            store = PostgresPaymentStore(self.tables.fresh_dsn)
            stack.push_async_callback(store.close)
            await self._build(log, store)
            await self._compare_and_switch(log, store, dry_run)
        await asyncio.to_thread(self.tables.clear)
        if not dry_run:
            try:
                with reaching(self.settings):
                    await self._verify()
            except Unavailable as failed:
                raise Unavailable(
                    f"the tables were switched; what comes after could not be done: {failed}"
                ) from failed
        return self.done

    async def _build(self, log: KafkaLog, store: PostgresPaymentStore) -> None:
        began_at = time.monotonic()
        progress = Progress("events replayed", await log.unread())
        while (unread := await log.unread()) > SMALL_ENOUGH or not self.done.events:
            progress.total = progress.done + unread
            await self._read_on(log, store, progress.add)
            if not self.done.events:
                break  # an empty log, or one that holds no events
        progress.end()
        self.done.took_s = time.monotonic() - began_at
        self.crashpoint("replay.built")

    async def _compare_and_switch(self, log: KafkaLog, store: PostgresPaymentStore, dry_run: bool) -> None:
        """Compared twice: everything without holding anybody up, then what moved meanwhile while nobody writes."""
        await asyncio.to_thread(self.tables.finish)
        self.touched = {}
        await asyncio.to_thread(self.tables.compare)
        await self._read_on(log, store)
        places = await committed_by(PROJECTION, self.settings)
        await asyncio.to_thread(self.tables.hold_writers)
        await self._read_on(log, store)
        await refuse_cut_short(log, self.settings, PROJECTION)
        await asyncio.to_thread(self.tables.compare, self.touched)
        await asyncio.to_thread(self.tables.excuse, self._not_taken_in_yet(places))
        self.done.differences = await asyncio.to_thread(self.tables.found)
        self.crashpoint("replay.held")
        if dry_run:
            self.done.writers_waited_ms = await asyncio.to_thread(self.tables.release)
            return
        if self.done.differences.rows and not self.done.events:
            raise Refused(ANOTHERS)
        self.done.switched = await asyncio.to_thread(self.tables.switch)
        self.done.writers_waited_ms = self.done.switched.writers_ms
        self.crashpoint("replay.switched")

    async def _read_on(
        self, log: KafkaLog, store: PostgresPaymentStore, tell: Callable[[int], None] = lambda count: None
    ) -> None:
        """While PostgreSQL takes one batch in, the next is read."""
        keeping: asyncio.Task[None] | None = None
        async for records in log.read_on():
            changes = self._changes(records)
            if keeping:
                await keeping
            keeping = asyncio.create_task(self._keep(changes, store))
            tell(len(records))
        if keeping:
            await keeping

    def _changes(self, records: Sequence[Any]) -> list[Change]:
        changes: list[Change] = []
        for record in records:
            try:
                change = change_of(record)
            except Poison:
                self.done.unreadable += 1
                continue
            changes.append(change)
            if self.touched is not None:
                self.touched[change.event.payment_id] = (record.partition, record.offset)
        self.done.events += len(changes)
        return changes

    def _not_taken_in_yet(self, places: dict[int, int]) -> list[str]:
        """Payments with events behind these places."""
        touched = (self.touched or {}).items()
        return [id for id, (partition, offset) in touched if offset >= places.get(partition, 0)]

    async def _keep(self, changes: Sequence[Change], store: PostgresPaymentStore) -> None:
        """What the store refuses it has refused the projection, too, which made a dead letter of it."""
        try:
            await store.apply(changes)
        except InvariantBroken:
            if len(changes) == 1:
                self.done.unkeepable += 1
                return
            half = len(changes) // 2
            await self._keep(changes[:half], store)
            await self._keep(changes[half:], store)

    async def _verify(self) -> None:
        """What is live, against the log anew, and the cache against both."""
        steps = Steps()
        async with AsyncExitStack() as stack:
            log = await stack.enter_async_context(KafkaLog(client_settings(self.settings), topics.EVENTS))
            kept, cache = PostgresKept(self.settings.postgres_dsn), RedisPaymentCache(self.settings.redis_url)
            upkeep = RedisUpkeep(self.settings.redis_url)
            for each in (kept, cache, upkeep):
                stack.push_async_callback(each.close)
            self.done.verified = await Reconciler(Truths(log, kept), Scope(), steps.tell).run()
            steps.end()
            self.done.cache = await CacheUpkeep(kept, cache, upkeep, _since_then(log)).refresh()


def _since_then(log: KafkaLog) -> Callable[[], Awaitable[dict[str, int]]]:
    sequences: dict[str, int] = {}

    async def moved() -> dict[str, int]:
        async for records in log.read_on():
            for record in records:
                try:
                    event = change_of(record).event
                except Poison:
                    continue
                sequences[event.payment_id] = event.sequence
        return sequences

    return moved
