"""The gateway: many handlers in flight, in order per key, and commits that never pass an unfinished record.

It keeps no state, so a killed or a sleeping one does no harm: what it was handed comes again, and what it asks of the
outside carries derived keys. Records handled twice are its normal case; lost ones must not exist.
"""

import asyncio
import inspect
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from streams.delivery.dead import dead_letter
from streams.delivery.records import Batch, Outgoing, Partition, Poison, Record, fitting, size_of
from streams.delivery.roles import Events
from streams.delivery.vital import vital

if TYPE_CHECKING:
    from streams.delivery.app import App

Handle = Callable[[Record], Awaitable[list[Outgoing]] | None]


class Task(NamedTuple):
    tp: Partition
    record: Record
    work: Awaitable[list[Outgoing]]


class Gateway:
    gather_s = 0.0

    def __init__(self, app: "App", topic: str, handle: Handle, limit: int) -> None:
        self.app = app
        self.topic = topic
        self.handle = handle
        self.limit = limit
        self.lanes: dict[object, deque[Task]] = {}  # per key; the first of each is running
        self.running: set[asyncio.Task[None]] = set()

    async def consume(self, events: Events) -> None:
        async for event in events:
            await self._start_all(event.value, event)
            await asyncio.sleep(0)

    async def _start_all(self, batch: Batch, event: object) -> None:
        held = self.app.held
        for record in batch.records:
            if held.waiting >= self.limit:
                await held.until(self._has_room)
            if not self.app.is_current(event):
                return  # not taken, and so not committed: it will be fetched again, by whoever owns it then
            held.take_one(batch, record)
            self._start(batch.tp, record)

    def _has_room(self) -> bool:
        return self.app.held.waiting < self.limit

    def _start(self, tp: Partition, record: Record) -> None:
        try:
            work = self.handle(record)
        except Poison as poison:
            work = _poisoned(poison)
        if work is None:
            self.app.held.free(tp, 1, size_of(record))
            self.app.metrics.records += 1
            return
        self.app.held.start(tp, record)
        lane = (tp, record.offset) if record.key is None else record.key
        if lane in self.lanes:
            self.lanes[lane].append(Task(tp, record, work))
        else:
            self.lanes[lane] = deque([Task(tp, record, work)])
            task: asyncio.Task[None] = asyncio.create_task(self._run(lane))
            self.running.add(task)
            task.add_done_callback(self.running.discard)

    @vital
    async def _run(self, lane: object) -> None:
        queue = self.lanes[lane]
        while queue and self.app.is_flowing():
            tp, record, work = queue[0]
            outgoing = await self._outcome(record, work)
            await self.app.outbox.send(outgoing, record.partition)
            self.app.crashpoint("delivery.reported")
            self.app.held.done(tp, record, 1, size_of(record))
            self.app.metrics.records += 1
            queue.popleft()
        if not queue:
            del self.lanes[lane]

    async def _outcome(self, record: Record, work: Awaitable[list[Outgoing]]) -> list[Outgoing]:
        try:
            return [fitting(outgoing) for outgoing in await work]
        except Poison as poison:
            self.app.metrics.dead_letters += 1
            return [dead_letter(self.app.dead_letters, record, poison)]

    async def own(self, partitions: set[Partition]) -> None:
        """Nothing to fence: what a gateway from before still sends carries the keys we would send."""

    async def drain(self, drain_s: float) -> None:
        """What runs may finish, in time; what waits behind it is given back untouched."""
        if self.running:
            running = set(self.running)
            for late in (await asyncio.wait(running, timeout=drain_s))[1]:
                late.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        for queue in self.lanes.values():
            for task in queue:
                if inspect.iscoroutine(task.work):
                    task.work.close()
        self.lanes.clear()

    async def release(self) -> None:
        pass

    def places(self) -> Mapping[Partition, int | None]:
        return {}


async def _poisoned(poison: Poison) -> list[Outgoing]:
    raise poison
