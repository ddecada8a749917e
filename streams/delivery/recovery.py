"""How a table comes back: a reader of our own over the changelog, many times faster than Faust's.

It reads committed records only, passes the markers of transactions, and applies whole lists: 170,000 keys a second and
more, where Faust's own recovery did 9,000 (50 s for 500,000 keys). Faust still says when: its `Recovery` is asked to
seek, finds everything read, and goes on. Nothing here writes to Kafka.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError
from faust.tables.manager import TableManager
from faust.tables.recovery import RebalanceAgain, ServiceStopped
from faust.tables.recovery import Recovery as FaustRecovery

from streams.delivery.memory import freeze
from streams.delivery.records import Partition
from streams.delivery.table import POSITION
from streams.delivery.vital import die, vital

if TYPE_CHECKING:
    from streams.delivery.transactions import Transactions
    from streams.delivery.writer import Writer

FETCH_BYTES = 4 << 20  # per partition and request; 1 MiB, the default, halves the speed
POLL_MS = 200  # to look at a partition again that brings nothing, such as one that ends in markers
OPEN_LOOKS, OPEN_LOOK_S = 10, 0.5  # for the marker of a transaction that was ended just now
RECOVERY_S = 600.0  # 100 million keys; what takes longer hangs. Faust's own bound is that of a single request
AGAIN_S = 60.0  # until a rebalance is through to us whose assignment aiokafka has already


class Tables(TableManager):
    async def on_start(self) -> None:
        """All tables are declared before anything starts. (Faust gives them a second for it, at every start.)"""
        await self._update_channels()
        await self.recovery.start()


class Recovery(FaustRecovery):
    app: Any

    async def _wait(self, coro: Any, timeout: Any = None) -> None:
        try:
            await super()._wait(coro, timeout=max(RECOVERY_S, float(timeout or 0.0)))
        except ServiceStopped:
            # Faust raises this for a time-out, too, and then recovers nothing any more and says nothing.
            if not self.should_stop:
                die(f"recovery took longer than {RECOVERY_S:g} s")
            raise

    @vital
    async def _seek_offsets(self, consumer: Any, tps: Any, offsets: Any, title: str) -> None:
        await read_back(self.app.delivery.writing())
        for tp in tps:
            offsets[tp] = self.active_highwaters[tp]  # so that Faust finds nothing left to recover

    async def on_rebalance(
        self, assigned: Any, revoked: Any, newly_assigned: Any, generation_id: int = 0
    ) -> None:
        """What is ours is known, and Faust has it paused: from here on a recovery is this one's, or is interrupted by it."""
        if generation_id == self.app.consumer_generation_id:
            self.app.delivery.given_back = False
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)

    # Faust makes partitions active, fetches, then seeks, then empties its queues: events that came in between were
    # lost. So nothing flows from before the seek until after the queues were emptied.

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        await self._complete(super().on_recovery_completed, generation_id)

    async def _resume_streams(self, generation_id: int = 0) -> None:
        await self._complete(super()._resume_streams, generation_id)

    async def _complete(self, complete: Callable[[int], Awaitable[None]], generation_id: int) -> None:
        """What escapes ends the process, but for Faust's own words: that it stops, or that another rebalance has begun."""
        try:
            self.app.consumer.stop_flow()
            await complete(generation_id)
            self.app.delivery.flows_again(generation_id)
        except (RebalanceAgain, ServiceStopped):
            raise
        except IllegalStateError as exc:  # we sought in a partition that aiokafka knows to be another's
            await self._wait(asyncio.sleep(AGAIN_S))  # raises one of the two
            die(f"sought in what is not ours, and no rebalance came: {exc!r}", exc)
        except Exception as exc:
            die(f"{complete.__qualname__}: {exc!r}", exc)


async def read_back(writer: "Writer") -> None:
    """Fill the table of every partition that is new to us, and find the place where its source goes on.

    What we never lost is in memory: nobody else can have written it while our epoch held. What is taken away meanwhile
    (Faust cancels this only some time after `own`) is read no further, and told to nobody.
    """
    began_at = time.monotonic()
    new = {
        Partition(one.changelog.topic, tp.partition): one
        for tp, one in writer.owned.items()
        if not one.recovered
    }
    if not new:
        return
    async with AIOKafkaConsumer(
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="none",  # where what it wants is lost it raises, and this process ends
        max_partition_fetch_bytes=FETCH_BYTES,
        fetch_max_bytes=2 * FETCH_BYTES,
        **writer.app.client_settings(),
    ) as reader:
        await _read(reader, writer, new)
    freeze()
    for transactions in new.values():
        await writer.recovered(transactions)
    writer.app.metrics.recovery_s = time.monotonic() - began_at


async def _stable_ends(
    reader: AIOKafkaConsumer, writer: "Writer", tps: list[TopicPartition]
) -> dict[Any, int]:
    """Where each partition ends, with nothing open before.

    Nobody but us writes here, and what the owners before left open was ended when we raised the epoch. If there is an open
    transaction all the same, a broker has lost its marker, and with it whether what it holds is true: whoever went on would
    bring it to light with the next commit, beside what is made of the same commands now. So this process ends.
    """
    async with AIOKafkaConsumer(isolation_level="read_uncommitted", **writer.app.client_settings()) as looker:
        for _ in range(OPEN_LOOKS):
            ends, last = await reader.end_offsets(tps), await looker.end_offsets(tps)
            ours = writer.table.partitions.keys()  # what was taken away meanwhile, another writes now
            held_up = {tp: (ends[tp], last[tp]) for tp in tps if ends[tp] < last[tp] and tp.partition in ours}
            if not held_up:
                return dict(ends)
            await asyncio.sleep(OPEN_LOOK_S)
    return die(
        f"a transaction is open that nobody can end: {held_up}; see kafka-transactions.sh find-hanging"
    )


async def _read(reader: AIOKafkaConsumer, writer: "Writer", new: "dict[Partition, Transactions]") -> None:
    ours = {TopicPartition(*tp): transactions for tp, transactions in new.items()}
    reader.assign(list(ours))
    await reader.seek_to_beginning(*ours)
    ends = await _stable_ends(reader, writer, list(ours))
    for tp, end in ends.items():
        ours[tp].read_to = end
    left = set(ours)
    while left := {tp for tp in left if writer.owns(ours[tp]) and await reader.position(tp) < ends[tp]}:
        for tp, records in (await reader.getmany(*left, timeout_ms=POLL_MS)).items():
            if not writer.owns(ours[tp]):
                continue
            rows = writer.table.partitions[tp.partition]
            for record in records:
                if record.key == POSITION:
                    ours[tp].position = int(record.value)
                elif record.value is None:
                    rows.pop(record.key, None)
                else:
                    rows[record.key] = record.value
