"""The writer: plain steps over a table, record by record, with no `await` between reading and writing a state.

What comes waits for the next transaction of its partition (`transactions.py`), which applies as much of it as is enough
for one. The steps, the fencing, the hand-over are here; the reading back is in `recovery.py`.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from streams.delivery.dead import dead_letter
from streams.delivery.pace import Pace
from streams.delivery.records import (
    Batch,
    OnLost,
    OnRecovered,
    OnState,
    Outgoing,
    Partition,
    Poison,
    Record,
    fitting,
    size_bytes,
    size_of,
)
from streams.delivery.roles import Events
from streams.delivery.sending import parcel
from streams.delivery.table import Table
from streams.delivery.transactions import Gathered, Transactions
from streams.delivery.vital import die

if TYPE_CHECKING:
    from streams.delivery.app import App

TRANSACTIONS_AT_ONCE = 8  # of one process; more only queue at the broker
ROUNDS_APART_S = 0.004  # of transactions, of all partitions: with a broker on two cores, they are the budget
KEYS_PER_TURN = 5_000  # told to `on_state` after a recovery before the loop may do something else: about 5 ms


class Out:
    """What a step says. It counts, like what it writes, when the step has ended."""

    def __init__(self) -> None:
        self.emitted: list[Outgoing] = []
        self.answered: list[Outgoing] = []

    def emit(self, outgoing: Outgoing) -> None:
        """Into the transaction of the record at hand: exactly once for readers of committed records."""
        self.emitted.append(fitting(outgoing))

    def answer(self, outgoing: Outgoing) -> None:
        """After the commit and outside it, to the partition it names: at most once, for who waits."""
        assert outgoing.partition is not None, "an answer goes to the partition that somebody reads"
        self.answered.append(outgoing)

    def clear(self) -> None:
        self.emitted, self.answered = [], []


Step = Callable[[Record, Table, Out], None]


class Writer:
    gather_s = 0.0

    def __init__(
        self,
        app: "App",
        topic: str,
        changelog: str,
        step: Step,
        on_state: OnState | None,
        on_recovered: OnRecovered | None,
        on_lost: OnLost | None,
    ) -> None:
        self.app = app
        self.topic = topic
        self.changelog = changelog
        self.step = step
        self.on_state = on_state
        self.on_recovered = on_recovered
        self.on_lost = on_lost
        self.table = Table()
        self.out = Out()
        self.owned: dict[Partition, Transactions] = {}
        self.at_once = asyncio.Semaphore(TRANSACTIONS_AT_ONCE)
        self.pace = Pace(ROUNDS_APART_S)

    async def consume(self, events: Events) -> None:
        async for event in events:
            if self.app.is_current(event):
                batch: Batch = event.value
                self.app.held.take(batch)
                transactions = self.owned[batch.tp]
                assert transactions.recovered, "nothing flows before the table is read back"
                transactions.put(batch.records)
            await asyncio.sleep(0)

    def _apply(self, record: Record, gathered: Gathered) -> None:
        home = record.partition
        self.table.enter(home)
        try:
            self.step(record, self.table, self.out)
        except Poison as poison:
            self.table.drop()
            self.out.clear()
            self.out.emitted.append(dead_letter(self.app.dead_letters, record, poison))
            self.app.metrics.dead_letters += 1
        if self.table.written:
            for key, value in self.table.keep().items():
                gathered.states[key] = value  # within a transaction only the last state of a key counts
                gathered.weight_bytes += size_bytes(key, value)
                if self.on_state is not None:
                    self.on_state(home, key, value)
        if self.out.emitted or self.out.answered:
            for outgoing in self.out.emitted:
                parcel(gathered.parcels, outgoing, home)
                gathered.weight_bytes += size_of(outgoing)
            gathered.answers += self.out.answered
            self.out.clear()

    def _committed(self, transactions: Transactions, gathered: Gathered, seconds: float) -> None:
        self.app.crashpoint("delivery.committed")
        self.app.answers.put(gathered.answers)
        self.app.metrics.transactions += 1
        self.app.metrics.records += gathered.records
        self.app.metrics.committed(seconds)
        self.app.held.free(transactions.tp, gathered.records, gathered.size_bytes)

    async def own(self, partitions: set[Partition]) -> None:
        """First of all fence the owners before; recovery and the seek come after."""
        gone = [self.owned.pop(tp).stop() for tp in set(self.owned) - partitions]
        new = {tp: self._new(tp) for tp in partitions - set(self.owned)}
        for partition in self.table.own({tp.partition for tp in partitions}):
            if self.on_lost is not None:
                self.on_lost(partition)
        await asyncio.gather(*gone, *(transactions.start() for transactions in new.values()))
        # the process may have been told to stop while it fenced: then none is ours
        here = self.table.partitions
        self.owned |= {tp: transactions for tp, transactions in new.items() if tp.partition in here}

    def owns(self, transactions: Transactions) -> bool:
        """Whether they still are those of their partition: to be asked again behind every `await` of a reading back."""
        return self.owned.get(transactions.tp) is transactions

    def _new(self, tp: Partition) -> Transactions:
        app = self.app
        return Transactions(
            tp,
            app.group,
            self.changelog,
            self.at_once,
            self.pace,
            self._apply,
            self._committed,
            app.client_settings(),
            app.crashpoint,
        )

    async def recovered(self, transactions: Transactions) -> None:
        """The table of their partition is whole: tell who keeps an index of it."""
        if not self.owns(transactions):
            return
        partition = transactions.tp.partition
        rows = self.table.partitions[partition]
        if self.on_state is not None:
            for count, (key, value) in enumerate(rows.items(), 1):
                self.on_state(partition, key, value)
                if count % KEYS_PER_TURN == 0:
                    await asyncio.sleep(0)
                    if not self.owns(transactions):
                        return  # and `on_lost` was told
        if self.on_recovered is not None:
            self.on_recovered(partition, rows)
        transactions.recovered = True
        self.app.metrics.recovered_keys += len(rows)

    async def drain(self, drain_s: float) -> None:
        for transactions in self.owned.values():
            transactions.forget()
        try:
            async with asyncio.timeout(drain_s):
                await self.app.held.until(self._written)
        except (
            TimeoutError
        ):  # a broker is away, as a rule; the memory is ahead of the log, and must not outlive it
            die(f"what was applied could not be committed within {drain_s:g} s")

    def _written(self) -> bool:
        return not any(transactions.busy for transactions in self.owned.values())

    async def release(self) -> None:
        await self.own(set())

    def places(self) -> Mapping[Partition, int | None]:
        return {tp: transactions.position for tp, transactions in self.owned.items()}
