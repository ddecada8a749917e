"""Safeguards of the delivery layer, switched off. Each has a story in tests/streams/delivery that fails without it."""

import asyncio
import json
import uuid
from typing import Any

from tests.faults.planted.registry import bug, replace

WENT_ON = "went on after"  # in the log of a process that should have ended
DELIVERY = "streams.delivery"  # the package: all its modules are there when it is
WRITER, GATEWAY = ("writer",), ("gateway",)
EVERY = ("writer", "gateway", "projection", "notifications", "analytics")


@bug(DELIVERY, WRITER, ("F2",), ("I3", "I5"))
def no_fencing(delivery: Any) -> None:
    """Another transactional id for every life of a writer: nobody's epoch is ever raised."""
    made = delivery.transactional_producer.TransactionalProducer

    def producer(transactional_id: str, *more: Any) -> Any:
        return made(f"{transactional_id}-{uuid.uuid4().hex}", *more)

    replace(delivery.transactions, "TransactionalProducer", producer)


@bug(DELIVERY, WRITER, ("F20", "F1"), ("I2",))
def position_outside(delivery: Any) -> None:
    """The place in the source goes out at once and by itself, the states follow in a transaction."""
    commit = delivery.transactions.Transactions._commit

    async def late(self: Any, gathered: Any) -> None:
        await commit(self, delivery.transactions.Gathered(position=gathered.position))
        await asyncio.sleep(1.0)  # as long as a slow broker takes
        await commit(self, gathered)

    replace(delivery.transactions.Transactions, "_commit", late)


@bug(DELIVERY, ("gateway", "projection", "notifications", "analytics"), ("F1", "F15"), ("I2", "I6", "I14"))
def acks_out_of_order(delivery: Any) -> None:
    """A gateway commits all that it has taken, finished or not."""
    replace(delivery.held.Held, "committable", lambda self: dict(self.after))


@bug(DELIVERY, EVERY, ("F15",), ("I2", "I5", "I12"))
def queues_emptied(delivery: Any) -> None:
    """Records flow while Faust ends a rebalance, between the seek and the emptying of its queues."""
    consume = delivery.writer.Writer.consume

    async def busy(self: Any, events: Any) -> None:
        """As a loop does that is busy with something else: what flows meanwhile stays in the queues."""

        async def slowly() -> Any:
            async for event in events:
                await asyncio.sleep(0.1 if self.app.metrics.ready else 1.0)
                yield event

        await consume(self, slowly())

    async def perform_seek(self: Any) -> None:
        await super(delivery.transport.Consumer, self).perform_seek()
        await asyncio.sleep(0.5)  # wide enough to be met every time

    async def on_recovery_completed(self: Any, generation_id: int = 0) -> None:
        await super(delivery.recovery.Recovery, self).on_recovery_completed(generation_id)
        self.app.delivery.flows_again(generation_id)

    replace(delivery.transport.Consumer, "perform_seek", perform_seek)
    replace(delivery.recovery.Recovery, "on_recovery_completed", on_recovery_completed)
    replace(delivery.writer.Writer, "consume", busy)


@bug(DELIVERY, EVERY)
def late_recoveries_resume(delivery: Any) -> None:
    """A recovery that ends once the next rebalance has begun lets records flow, as in Faust."""

    def resume_flow(self: Any) -> None:
        super(delivery.transport.Consumer, self).resume_flow()

    replace(delivery.transport.Consumer, "resume_flow", resume_flow)


@bug(DELIVERY, ("writer",))
def ends_are_believed(delivery: Any) -> None:
    """What was read back is all there is, whichever broker said where it ends."""
    commit = delivery.transactional_producer.TransactionalProducer.commit

    async def believing(self: Any, parcels: Any, begins: Any) -> None:
        await commit(self, parcels)

    replace(delivery.transactional_producer.TransactionalProducer, "commit", believing)


@bug(DELIVERY, ("gateway", "projection", "notifications", "analytics"))
def no_beginning(delivery: Any) -> None:
    """Partitions without a place are left where aiokafka has them."""

    async def seek_all(self: Any, places: Any) -> Any:
        return await self._consumer.seek_to_committed() | places

    replace(delivery.transport.ConsumerThread, "_seek_all", seek_all)


@bug(DELIVERY, EVERY)
def leader_knows_nothing(delivery: Any) -> None:
    """A leader assigns with whatever metadata it has."""

    async def assign(self: Any, coordinator: Any, perform: Any, response: Any) -> Any:
        return await perform(response)

    replace(delivery.transport.ConsumerThread, "_assign", assign)


@bug(DELIVERY, WRITER)
def open_transactions_pass(delivery: Any) -> None:
    """Nobody looks whether the changelog ends in an open transaction."""

    async def not_looking(reader: Any, writer: Any, tps: Any) -> Any:
        return await reader.end_offsets(tps)

    replace(delivery.recovery, "_stable_ends", not_looking)


@bug(DELIVERY, EVERY, ("F14",), ("I11",))
def faust_decodes(delivery: Any) -> None:
    """Values are decoded before an agent sees them; as in Faust, what cannot be decoded is acked and gone."""
    deliver = delivery.transport.Consumer._deliver

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

    replace(delivery.transport.Consumer, "_deliver", decoding)


@bug(DELIVERY, EVERY)
def escapes_are_logged(delivery: Any) -> None:
    """What escapes is logged, and life goes on."""

    def log_only(why: str, exc: BaseException | None = None, **_: object) -> None:
        delivery.vital.log.error("%s: %s", WENT_ON, why)

    for name in (
        "vital",
        "held",
        "transport",
        "app",
        "engine",
        "recovery",
        "serving",
        "transactions",
        "writer",
    ):
        replace(getattr(delivery, name), "die", log_only)


@bug(DELIVERY, GATEWAY)
def plain_producer(delivery: Any) -> None:
    """The gateway's producer as Faust sets it up."""
    replace(delivery.transport.Producer, "_settings_extra", lambda self: {"acks": "all"})


@bug(DELIVERY, EVERY, ("F1",), ("I16",))
def uncommitted_reads(delivery: Any) -> None:
    """Consumers as Faust sets them up."""
    replace(delivery.internals, "read_committed", lambda consumer, fetch_wait_ms: consumer)


@bug(DELIVERY, GATEWAY)
def no_drain(delivery: Any) -> None:
    """Partitions are handed over at once, whatever runs."""

    async def drain(self: Any, drain_s: float) -> None:
        for task in self.running:
            task.cancel()
        self.lanes.clear()

    replace(delivery.gateway.Gateway, "drain", drain)


@bug(DELIVERY, GATEWAY)
def unbounded_drain(delivery: Any) -> None:
    """A hand-over waits for what runs, however long."""
    drain = delivery.gateway.Gateway.drain

    async def patient(self: Any, drain_s: float) -> None:
        await drain(self, 3600.0)

    replace(delivery.gateway.Gateway, "drain", patient)


@bug(DELIVERY, WRITER)
def poison_leaves_traces(delivery: Any) -> None:
    """What a poisoned step wrote before it was refused stays written."""
    replace(delivery.table.Table, "drop", lambda self: None)


@bug(DELIVERY, WRITER)
def commits_whatever_failed(delivery: Any) -> None:
    """Nobody looks whether the records of a transaction arrived, or where."""
    ends_are_believed(delivery)
    produce = delivery.transactional_producer.TransactionalProducer._produce

    from aiokafka.errors import KafkaError

    async def not_looking(self: Any, batches: Any) -> Any:
        try:
            return await produce(self, batches)
        except KafkaError:
            return {}

    replace(delivery.transactional_producer.TransactionalProducer, "_produce", not_looking)


@bug(DELIVERY, EVERY)
def commits_in_rebalances(delivery: Any) -> None:
    """Offsets are committed whenever the timer says so, a rebalance on or not."""

    async def force_commit(self: Any, topics: Any = None, start_new_transaction: bool = True) -> bool:
        return bool(await self.app.delivery.commit())

    replace(delivery.transport.Consumer, "force_commit", force_commit)


@bug(DELIVERY, WRITER, ("F20", "F1"), ("I3", "I5"))
def events_before_states(delivery: Any) -> None:
    """Events go out in a transaction of their own, the states that they belong to in another one after it."""
    commit = delivery.transactions.Transactions._commit

    async def early(self: Any, gathered: Any) -> None:
        told, gathered.parcels = gathered.parcels, {}
        if told:
            await self.producer.commit(told)
            await asyncio.sleep(1.0)  # as long as a slow broker takes
        await commit(self, gathered)

    replace(delivery.transactions.Transactions, "_commit", early)


@bug(DELIVERY, WRITER, ("F14",), ("I11",))
def dead_letters_dropped(delivery: Any) -> None:
    """What cannot be applied is passed over, and written down nowhere."""
    apply = delivery.writer.Writer._apply

    def without(self: Any, record: Any, gathered: Any) -> None:
        apply(self, record, gathered)
        for tp in [tp for tp in gathered.parcels if tp.topic == self.app.dead_letters]:
            del gathered.parcels[tp]

    replace(delivery.writer.Writer, "_apply", without)


@bug(DELIVERY, ("projection", "notifications", "analytics"), ("F7",), ("I6",))
def place_before_store(delivery: Any) -> None:
    """A follower commits its place behind what it has taken, stored or not."""
    usual = delivery.app.App.follower

    def follower(self: Any, topic: str, apply: Any) -> None:
        usual(self, topic, apply)
        self.held.committable = lambda: dict(self.held.after)

    replace(delivery.app.App, "follower", follower)
