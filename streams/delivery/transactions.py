"""The transactions of one source partition, one after the other; what comes while one commits waits for the next.

One transaction holds the last state of each key, the events, the dead letters, and the source offset behind them, as a
record of the changelog of its own, so that state and position can never disagree. Who starts the producer of a
partition raises the epoch of its transactional id: from then on the broker refuses everything from the owner before,
awake or not, and a writer's memory is right exactly as long as its epoch is. What a step means is not known here.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from streams.delivery.pace import Pace
from streams.delivery.records import Outgoing, Partition, Record, Settings, size_of
from streams.delivery.sending import Item, Parcels
from streams.delivery.table import POSITION
from streams.delivery.transactional_producer import TransactionalProducer
from streams.delivery.vital import die, vital

TRANSACTION_TIMEOUT_MS = (
    30_000  # the open transaction of a dead writer blocks committed readers until takeover or this
)
APPLY_S = 0.05  # to one transaction, in one go: nothing else of the process runs meanwhile
MOST_WEIGHT_BYTES = 2 << 20  # to one transaction, some 500 payments; many times that outlasted its time-out
STOP_S = 5.0  # for a producer with nothing on its way; what takes longer hangs


@dataclass
class Gathered:
    """What some records lead to, and how far they go. `size_bytes`: their own; `weight_bytes`: of what they lead to."""

    states: dict[bytes, bytes | None] = field(default_factory=dict)
    parcels: Parcels = field(default_factory=dict)
    answers: list[Outgoing] = field(default_factory=list)
    position: int = 0
    records: int = 0
    size_bytes: int = 0
    weight_bytes: int = 0


class Transactions:
    def __init__(
        self,
        tp: Partition,
        group: str,
        changelog: str,
        at_once: asyncio.Semaphore,
        pace: Pace,
        apply: Callable[[Record, Gathered], None],
        committed: Callable[["Transactions", Gathered, float], None],
        settings: Settings,
        crashpoint: Callable[[str], None],
    ) -> None:
        self.tp = tp
        self.changelog = Partition(changelog, tp.partition)
        self.at_once = at_once
        self.pace = pace
        self.apply = apply
        self.committed = committed
        self.recovered = False
        self.position: int | None = None  # the source offset behind all that is committed
        self.read_to: int | None = None  # where its changelog was seen to end; until that is proved
        self.waiting: deque[Record] = deque()  # not applied yet
        self.filled = asyncio.Event()
        self.busy = False
        self.task: asyncio.Task[None] | None = None
        self.producer = TransactionalProducer(
            f"{group}-{tp.topic}-{tp.partition}", TRANSACTION_TIMEOUT_MS, settings, crashpoint
        )

    async def start(self) -> None:
        """Fence the owner before, and end what it left open. Before this the changelog must not be read."""
        await self.producer.start()
        self.task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        assert not (self.waiting or self.busy), "drained before"
        if self.task is not None:
            self.task.cancel()
        try:
            async with asyncio.timeout(STOP_S):
                await self.producer.stop()
        except TimeoutError:
            die(f"the producer of {self.tp} does not stop")

    def put(self, records: Sequence[Record]) -> None:
        if records[0].offset < (self.position or 0):
            die(f"{self.tp} goes back from {self.position} to {records[0].offset}: it was not sought")
        self.waiting.extend(records)
        self.filled.set()

    def forget(self) -> None:
        """What was not applied never will be, here. What was, is being committed."""
        self.waiting.clear()

    @vital
    async def _run(self) -> None:
        while await self.filled.wait():
            async with self.at_once:
                await self.pace.turn()
                began_at = time.monotonic()
                gathered = self._gather()
                if gathered.records:
                    self.busy = True
                    await self._commit(gathered)
                    self.busy = False
            if gathered.records:
                self.committed(self, gathered, time.monotonic() - began_at)

    def _gather(self) -> Gathered:
        """Apply what waits, until it is enough for one transaction; the rest is the next one's."""
        gathered, until = Gathered(), time.monotonic() + APPLY_S
        while self.waiting and gathered.weight_bytes < MOST_WEIGHT_BYTES and time.monotonic() < until:
            record = self.waiting.popleft()
            self.apply(record, gathered)
            gathered.records += 1
            gathered.size_bytes += size_of(record)
            gathered.position = record.offset + 1
        if not self.waiting:
            self.filled.clear()
        return gathered

    async def _commit(self, gathered: Gathered) -> None:
        changes = [Item(key, value, ()) for key, value in gathered.states.items()]
        position = Item(POSITION, b"%d" % gathered.position, ())
        gathered.parcels[self.changelog] = [*changes, position]
        sent_at = time.monotonic()
        # A leader that was cut off shows an end that is none: what it does not know of would be decided anew. Where what we
        # write first comes to lie, is said by who leads.
        begins = None if self.read_to is None else (self.changelog, self.read_to)
        await self.producer.commit(gathered.parcels, begins)
        self.read_to = None
        self.pace.took(time.monotonic() - sent_at)
        self.position = gathered.position
