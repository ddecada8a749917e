"""The transactions of one source partition, one after the other; what comes while one commits gathers for the next.

One transaction holds the last state of each key, the events, the dead letters, and the source offset behind them, as a
record of the changelog of its own, so that state and position can never disagree. Who starts the producer of a
partition raises the epoch of its transactional id: from then on the broker refuses everything from the owner before,
awake or not, and a writer's memory is right exactly as long as its epoch is. What a step means is not known here.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from streams.delivery.pace import Pace
from streams.delivery.records import Batch, Outgoing, Partition, Settings
from streams.delivery.sending import Item, Parcels
from streams.delivery.table import POSITION
from streams.delivery.transactional_producer import TransactionalProducer
from streams.delivery.vital import die, vital

TRANSACTION_TIMEOUT_MS = (
    30_000  # the open transaction of a dead writer blocks committed readers until takeover or this
)
STOP_S = 5.0  # for a producer with nothing on its way; what takes longer hangs


@dataclass
class Gathered:
    """What the records of some batches lead to."""

    states: dict[bytes, bytes | None] = field(default_factory=dict)
    parcels: Parcels = field(default_factory=dict)
    answers: list[Outgoing] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)


class Transactions:
    def __init__(
        self,
        tp: Partition,
        group: str,
        changelog: str,
        at_once: asyncio.Semaphore,
        pace: Pace,
        committed: Callable[["Transactions", Gathered, float], None],
        settings: Settings,
    ) -> None:
        self.tp = tp
        self.changelog = Partition(changelog, tp.partition)
        self.at_once = at_once
        self.pace = pace
        self.committed = committed
        self.recovered = False
        self.position: int | None = None  # the source offset behind all that is committed
        self.gathered = Gathered()
        self.filled = asyncio.Event()
        self.busy = False
        self.task: asyncio.Task[None] | None = None
        self.producer = TransactionalProducer(
            f"{group}-{tp.topic}-{tp.partition}", TRANSACTION_TIMEOUT_MS, settings
        )

    async def start(self) -> None:
        """Fence the owner before, and end what it left open. Before this the changelog must not be read."""
        await self.producer.start()
        self.task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        assert self.idle, "drained before"
        if self.task is not None:
            self.task.cancel()
        try:
            await asyncio.wait_for(self.producer.stop(), STOP_S)
        except TimeoutError:
            die(f"the producer of {self.tp} does not stop")

    def put(self, batch: Batch) -> None:
        """All that this batch leads to has been gathered."""
        self.gathered.batches.append(batch)
        self.filled.set()

    @property
    def idle(self) -> bool:
        return not (self.gathered.batches or self.busy)

    @vital
    async def _run(self) -> None:
        while await self.filled.wait():
            async with self.at_once:
                await self.pace.turn()
                gathered, self.gathered, self.busy = self.gathered, Gathered(), True
                self.filled.clear()
                began_at = time.monotonic()
                await self._commit(gathered)
            self.busy = False
            self.committed(self, gathered, time.monotonic() - began_at)

    async def _commit(self, gathered: Gathered) -> None:
        position = gathered.batches[-1].records[-1].offset + 1
        changes = [Item(key, value, ()) for key, value in gathered.states.items()]
        gathered.parcels[self.changelog] = [*changes, Item(POSITION, b"%d" % position, ())]
        await self.producer.commit(gathered.parcels)
        self.position = position
