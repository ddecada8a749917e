"""What was fetched and is not finished: it bounds the memory, and it tells what may be committed.

One instance per process, touched by the event loop alone (the consumer's thread only reads `full`).
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from streams.delivery.records import Batch, Partition, Record, size_of
from streams.delivery.vital import die

MOST_RECORDS = 4_000  # fetched and not finished, per partition; a partition with more is not polled
MOST_BYTES = 8 << 20  # the same in bytes (`size_of`): 4,000 records of 1 MB must not fill the memory


class Held:
    def __init__(self, most_records: int = MOST_RECORDS, most_bytes: int = MOST_BYTES) -> None:
        self.most_records = most_records
        self.most_bytes = most_bytes
        self.moved = asyncio.Event()
        self.forget()

    def forget(self) -> None:
        """Nothing is held any more; whoever waited for room goes on (and finds that its generation has ended)."""
        self.records: Counter[Partition] = Counter()
        self.bytes: Counter[Partition] = Counter()
        self.delivered: dict[Partition, int] = {}  # the offset behind the last record delivered
        self.after: dict[Partition, int] = {}  # the offset behind the last record taken
        self.open: defaultdict[Partition, dict[int, None]] = defaultdict(
            dict
        )  # taken and not finished, in order
        self.waiting = 0
        self._note_move()

    def _note_move(self) -> None:
        self.moved_at = time.monotonic()
        self.moved.set()

    def add(self, tp: Partition, records: Sequence[Record]) -> Batch:
        """These were fetched and are delivered now."""
        if not self.records.total():
            self.moved_at = time.monotonic()
        size_bytes = sum(map(size_of, records))
        batch = Batch(tp, records, size_bytes, self.delivered.get(tp))
        self.delivered[tp] = records[-1].offset + 1
        self.records[tp] += len(records)
        self.bytes[tp] += size_bytes
        return batch

    def free(self, tp: Partition, records: int, size_bytes: int) -> None:
        self.records[tp] -= records
        self.bytes[tp] -= size_bytes
        self._note_move()

    def full(self, tp: Partition) -> bool:
        return self.records[tp] >= self.most_records or self.bytes[tp] >= self.most_bytes

    def stalled_s(self) -> float:
        """For how long something has been held and nothing was finished."""
        return time.monotonic() - self.moved_at if self.records.total() > 0 else 0.0

    def take(self, batch: Batch) -> None:
        """All of this batch counts as taken."""
        self.take_one(batch, batch.records[0])
        self.after[batch.tp] = batch.records[-1].offset + 1

    def take_one(self, batch: Batch, record: Record) -> None:
        """This record of the batch counts as taken. What was delivered is taken whole and in order; if not, queues
        were emptied or refilled behind our back, and going on would lose what lay in them."""
        tp, after = batch.tp, self.after.get(batch.tp, 0)
        skipped = record is batch.records[0] and batch.follows not in (None, after)
        if record.offset < after or skipped:
            die(f"{tp.topic}/{tp.partition}/{record.offset} came out of order, after {after}")
        self.after[tp] = record.offset + 1

    def start(self, tp: Partition, first: Record) -> None:
        """Work on what begins with this record has begun: no commit passes it before `done`."""
        self.open[tp][first.offset] = None
        self.waiting += 1

    def done(self, tp: Partition, first: Record, records: int, size_bytes: int) -> None:
        del self.open[tp][first.offset]
        self.waiting -= 1
        self.free(tp, records, size_bytes)

    def committable(self) -> dict[Partition, int]:
        """Per partition the lowest offset not finished: a commit that passes it loses it at the next kill."""
        return {tp: next(iter(self.open[tp]), after) for tp, after in self.after.items()}

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for it; looked at again whenever something was finished."""
        while not condition():
            self.moved.clear()
            await self.moved.wait()
