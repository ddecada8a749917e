"""The follower: batch by batch, one at a time per process, for who writes what happened into a store of their own.

Offsets are committed when a batch has been applied and what it led to is acknowledged; so a batch may come twice, and
`apply` must know what it has seen (a sequence per payment). While the store is down `apply` waits and tries again: the
records wait in Kafka, and back-pressure ejects nobody.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from streams import background
from streams.delivery.records import Batch, Outgoing, Partition, Record
from streams.delivery.roles import Events
from streams.delivery.vital import vital

if TYPE_CHECKING:
    from streams.delivery.app import App

Apply = Callable[[list[Record]], Awaitable[list[Outgoing]]]

GATHER_S = 0.1  # nobody waits for a follower: a batch per transaction of the writer's cost many times the CPU
MOST_RECORDS_PER_APPLY = 1_000  # of all partitions together; `unnest` upserts gain little above 500 rows


class Follower:
    gather_s = GATHER_S

    def __init__(self, app: "App", topic: str, apply: Apply) -> None:
        self.app = app
        self.topic = topic
        self.apply = apply
        self.waiting: deque[Batch] = deque()
        self.filled = asyncio.Event()
        self.busy = False
        self.task: asyncio.Task[None] | None = None

    async def consume(self, events: Events) -> None:
        async for event in events:
            if self.app.is_current(event):
                batch: Batch = event.value
                self.app.held.take(batch)
                self.app.held.start(batch.tp, batch.records[0])
                self.waiting.append(batch)
                self.filled.set()
            await asyncio.sleep(0)

    @vital
    async def _run(self) -> None:
        while await self.filled.wait():
            if not self.waiting:  # given back between being told of it and getting here
                continue
            batches = self._next()
            self.busy = True
            outgoing = await self.apply([record for batch in batches for record in batch.records])
            await self.app.send(outgoing)
            self.busy = False
            for batch in batches:
                self.app.held.done(batch.tp, batch.records[0], len(batch.records), batch.size_bytes)
                self.app.metrics.records += len(batch.records)

    def _next(self) -> list[Batch]:
        batches = [self.waiting.popleft()]
        room = MOST_RECORDS_PER_APPLY - len(batches[0].records)
        while self.waiting and (room := room - len(self.waiting[0].records)) >= 0:
            batches.append(self.waiting.popleft())
        if not self.waiting:
            self.filled.clear()
        return batches

    async def own(self, partitions: set[Partition]) -> None:
        if self.task is None:
            self.task = asyncio.create_task(self._run())

    async def drain(self, drain_s: float) -> None:
        """What is being applied may finish, in time; the rest is given back. Cut off: applied twice, never lost."""
        self.waiting.clear()
        self.filled.clear()
        try:
            async with asyncio.timeout(drain_s):
                await self.app.held.until(self._rests)
        except TimeoutError:
            await self.release()

    def _rests(self) -> bool:
        return not self.busy

    async def release(self) -> None:
        await background.stop(self.task)
        self.task, self.busy = None, False

    def places(self) -> Mapping[Partition, int | None]:
        return {}
