"""Each safeguard of the delivery, switched off on demand: what a test must notice, or it is no test.

`plant(name)` changes the package in this process, before its `App` is made. Only test subjects may do that.
"""

import asyncio
import contextlib
import json
import uuid
from collections.abc import Callable
from typing import Any

from aiokafka.errors import KafkaError

from streams.delivery import (
    app,
    engine,
    gateway,
    held,
    internals,
    recovery,
    serving,
    table,
    transactional_producer,
    transactions,
    transport,
    vital,
    writer,
)
from streams.delivery.sending import Item

WENT_ON = "went on after"  # in the log of a process that should have ended
PLANTS: dict[str, Callable[[], None]] = {}


def bug(plant: Callable[[], None]) -> Callable[[], None]:
    PLANTS[plant.__name__] = plant
    return plant


def plant(name: str) -> None:
    if name:
        PLANTS[name]()


def replace(owner: Any, name: str, value: Any) -> None:
    assert hasattr(owner, name), f"{owner} has no {name}: this bug would be planted beside the code"
    setattr(owner, name, value)


@bug
def no_fencing() -> None:
    """Another transactional id for every life of a writer: nobody's epoch is ever raised."""
    made = transactional_producer.TransactionalProducer

    def producer(transactional_id: str, *more: Any) -> Any:
        return made(f"{transactional_id}-{uuid.uuid4().hex}", *more)

    replace(transactions, "TransactionalProducer", producer)


@bug
def position_outside() -> None:
    """The place in the source goes out at once and by itself, the states follow in a transaction."""
    commit = transactions.Transactions._commit

    async def late(self: Any, gathered: Any) -> None:
        await self.producer.commit({self.changelog: [Item(table.POSITION, b"%d" % gathered.position, ())]})
        await asyncio.sleep(0.3)  # as long as a slow broker takes
        await commit(self, gathered)

    replace(transactions.Transactions, "_commit", late)


@bug
def acks_out_of_order() -> None:
    """A gateway commits all that it has taken, finished or not."""
    replace(held.Held, "committable", lambda self: dict(self.after))


@bug
def queues_emptied() -> None:
    """Records flow while Faust ends a rebalance, between the seek and the emptying of its queues."""
    consume = writer.Writer.consume

    async def busy(self: Any, events: Any) -> None:
        """As a loop does that is busy with something else: what flows stays in the queues for a while."""

        async def slowly() -> Any:
            async for event in events:
                await asyncio.sleep(0.1)
                yield event

        await consume(self, slowly())

    async def perform_seek(self: Any) -> None:
        await super(transport.Consumer, self).perform_seek()
        await asyncio.sleep(0.5)  # wide enough to be met every time

    async def on_recovery_completed(self: Any, generation_id: int = 0) -> None:
        await super(recovery.Recovery, self).on_recovery_completed(generation_id)
        self.app.delivery.flows_again(generation_id)

    replace(transport.Consumer, "perform_seek", perform_seek)
    replace(recovery.Recovery, "on_recovery_completed", on_recovery_completed)
    replace(writer.Writer, "consume", busy)


@bug
def no_beginning() -> None:
    """Partitions without a place are left where aiokafka has them."""

    async def seek_all(self: Any, places: Any) -> Any:
        return await self._consumer.seek_to_committed() | places

    replace(transport.ConsumerThread, "_seek_all", seek_all)


@bug
def leader_knows_nothing() -> None:
    """A leader assigns with whatever metadata it has."""

    async def assign(self: Any, coordinator: Any, perform: Any, response: Any) -> Any:
        return await perform(response)

    replace(transport.ConsumerThread, "_assign", assign)


@bug
def open_transactions_pass() -> None:
    """Nobody looks whether the changelog ends in an open transaction."""

    async def not_looking(reader: Any, writer: Any, tps: Any) -> Any:
        return await reader.end_offsets(tps)

    replace(recovery, "_stable_ends", not_looking)


@bug
def faust_decodes() -> None:
    """Values are decoded before an agent sees them; as in Faust, what cannot be decoded is acked and gone."""
    deliver = transport.Consumer._deliver

    def decoding(self: Any, polled: Any) -> None:
        deliver(
            self,
            {
                tp: kept
                for tp, records in polled.items()
                if (kept := [r for r in records if is_json(r.value)])
            },
        )

    def is_json(value: bytes) -> bool:
        try:
            json.loads(value)
        except ValueError:
            return False
        return True

    replace(transport.Consumer, "_deliver", decoding)


@bug
def escapes_are_logged() -> None:
    """What escapes is logged, and life goes on."""

    def log_only(why: str, exc: BaseException | None = None, **_: object) -> None:
        vital.log.error("%s: %s", WENT_ON, why)

    for module in (vital, held, transport, app, engine, recovery, serving, transactions, writer):
        replace(module, "die", log_only)


@bug
def plain_producer() -> None:
    """The gateway's producer as Faust sets it up."""
    replace(transport.Producer, "_settings_extra", lambda self: {"acks": "all"})


@bug
def uncommitted_reads() -> None:
    """Consumers as Faust sets them up."""
    replace(internals, "read_committed", lambda consumer, fetch_wait_ms: consumer)


@bug
def no_drain() -> None:
    """Partitions are handed over at once, whatever runs."""

    async def drain(self: Any, drain_s: float) -> None:
        for task in self.running:
            task.cancel()
        self.lanes.clear()

    replace(gateway.Gateway, "drain", drain)


@bug
def unbounded_drain() -> None:
    """A hand-over waits for what runs, however long."""
    drain = gateway.Gateway.drain

    async def patient(self: Any, drain_s: float) -> None:
        await drain(self, 3600.0)

    replace(gateway.Gateway, "drain", patient)


@bug
def poison_leaves_traces() -> None:
    """What a poisoned step wrote before it was refused stays written."""
    replace(table.Table, "drop", lambda self: None)


@bug
def commits_whatever_failed() -> None:
    """Nobody looks whether the records of a transaction arrived."""
    produce = transactional_producer.TransactionalProducer._produce

    async def not_looking(self: Any, batches: Any) -> None:
        with contextlib.suppress(KafkaError):
            await produce(self, batches)

    replace(transactional_producer.TransactionalProducer, "_produce", not_looking)


@bug
def commits_in_rebalances() -> None:
    """Offsets are committed whenever the timer says so, a rebalance on or not."""

    async def force_commit(self: Any, topics: Any = None, start_new_transaction: bool = True) -> bool:
        return bool(await self.app.delivery.commit())

    replace(transport.Consumer, "force_commit", force_commit)


@bug
def forgets_commands() -> None:
    """The subject's own: it does not remember the commands it has seen (see `subject.py`)."""
