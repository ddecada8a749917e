"""Kafka as its clients see it: partitions of records, transactions with epochs, committed reads. No client and no group here."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aiokafka.errors import ProducerFenced

from streams.delivery.records import Partition
from streams.delivery.sending import Item
from streams.topics import COMMANDS, DEAD_LETTERS, EVENTS
from tests.simulation.clock import Clock
from tests.simulation.loop import VirtualLoop
from tests.simulation.network import Server
from tests.simulation.story import Story
from tests.streams.wire.records import Received

TOLD = (COMMANDS, EVENTS, DEAD_LETTERS)
TRANSACTION_TIMEOUT_S = 30.0


@dataclass
class Transaction:
    """`ended` None: it is open. `first`: the offset of its first record, by partition."""

    ended: str | None = None
    first: dict[Partition, int] = field(default_factory=dict)


@dataclass
class Entry:
    """A place in a partition. `record` None: the marker of a transaction's end."""

    record: Received | None
    transaction: Transaction | None = None


class Broker(Server):
    def __init__(self, loop: VirtualLoop, clock: Clock, draw: random.Random, story: Story) -> None:
        super().__init__(loop, draw)
        self._clock, self._story = clock, story
        self.logs: defaultdict[Partition, list[Entry]] = defaultdict(list)
        self.epochs: dict[str, int] = {}
        self._open: dict[str, Transaction] = {}
        self._open_in: defaultdict[Partition, list[Transaction]] = defaultdict(list)
        self._listeners: defaultdict[str, list[asyncio.Event]] = defaultdict(list)

    # -- what is asked

    def append(self, parcels: Mapping[Partition, Iterable[Item]]) -> None:
        """Outside any transaction."""
        for tp, items in parcels.items():
            for item in items:
                self._append(tp, item, None)
        self._tell(parcels)

    def begin(self, transactional_id: str) -> int:
        """A new epoch: whoever had the id before is refused from now on, and what it left open is aborted."""
        self.epochs[transactional_id] = self.epochs.get(transactional_id, -1) + 1
        self._end(transactional_id, "aborted")
        return self.epochs[transactional_id]

    def produce(
        self, transactional_id: str, epoch: int, parcels: Mapping[Partition, Iterable[Item]]
    ) -> dict[Partition, int]:
        """Where the transaction begins in each partition."""
        self._fence(transactional_id, epoch)
        transaction = self._open.get(transactional_id)
        if transaction is None:
            transaction = self._open[transactional_id] = Transaction()
            self.loop.call_later(TRANSACTION_TIMEOUT_S, self._overdue, transactional_id, transaction)
        for tp, items in parcels.items():
            if tp not in transaction.first:
                transaction.first[tp] = len(self.logs[tp])
                self._open_in[tp].append(transaction)
            for item in items:
                self._append(tp, item, transaction)
        self._tell(parcels)
        return transaction.first

    def commit(self, transactional_id: str, epoch: int) -> int:
        """The epoch of the next transaction."""
        self._fence(transactional_id, epoch)
        self._end(transactional_id, "committed")
        self.epochs[transactional_id] += 1
        return self.epochs[transactional_id]

    def _fence(self, transactional_id: str, epoch: int) -> None:
        if self.epochs.get(transactional_id) != epoch:
            raise ProducerFenced(f"{transactional_id} has a newer epoch than {epoch}")

    def _overdue(self, transactional_id: str, transaction: Transaction) -> None:
        if self._open.get(transactional_id) is transaction:
            self.epochs[transactional_id] += 1
            self._end(transactional_id, "aborted")

    def _end(self, transactional_id: str, how: str) -> None:
        transaction = self._open.pop(transactional_id, None)
        if transaction is None:
            return
        transaction.ended = how
        if how != "committed":
            self._story.note("kafka", f"a transaction of {transactional_id} is {how}")
        for tp in transaction.first:
            self._open_in[tp].remove(transaction)
            self.logs[tp].append(Entry(None))
        self._tell(transaction.first)

    def _append(self, tp: Partition, item: Item, transaction: Transaction | None) -> None:
        log = self.logs[tp]
        stamp = int(self._clock.now_s() * 1000)
        record = Received(tp.topic, tp.partition, len(log), stamp, item.key, item.value, item.headers)
        log.append(Entry(record, transaction))
        if tp.topic in TOLD:
            self._story.note("kafka", _in_words(record))

    # -- reading

    def end(self, tp: Partition, committed: bool = True) -> int:
        """Where a reader comes to: with `committed`, not past the first record of an open transaction."""
        log, is_open = self.logs[tp], self._open_in[tp]
        if committed and is_open:
            return min(transaction.first[tp] for transaction in is_open)
        return len(log)

    def read(
        self, tp: Partition, position: int, most: int, committed: bool = True
    ) -> tuple[list[Received], int]:
        """Some records from there on, and where the next ones are."""
        found: list[Received] = []
        log, end = self.logs[tp], self.end(tp, committed)
        while position < end and len(found) < most:
            entry = log[position]
            position += 1
            if entry.record is None:
                continue
            if not committed or entry.transaction is None or entry.transaction.ended == "committed":
                found.append(entry.record)
        return found, position

    def listen(self, topic: str, listener: asyncio.Event) -> None:
        """Set it whenever there is more to be read of `topic`."""
        self._listeners[topic].append(listener)

    def _tell(self, tps: Iterable[Partition]) -> None:
        for topic in dict.fromkeys(tp.topic for tp in tps):
            for listener in self._listeners[topic]:
                listener.set()


def _in_words(record: Received) -> str:
    told = dict(record.headers)
    what = [told[name].decode() for name in ("ce_type", "ce_sequence", "reason") if told.get(name)]  # type: ignore[union-attr]
    place = f"{record.topic.split('.')[1]} {record.partition}/{record.offset}"
    return f"{place} {(record.key or b'')[:12].decode('latin-1')} {' '.join(what)}"
