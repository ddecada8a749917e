"""What stands in for Faust and aiokafka under the delivery, for whichever process asks; the rest of it is the code itself."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

import streams.delivery.app as app_module
from streams.delivery import held, internals, recovery, transactions, vital, writer
from streams.delivery.app import App, changelog_topic
from streams.delivery.records import Batch, Outgoing, Partition
from streams.delivery.roles import Events
from streams.delivery.sending import Item, parcel
from streams.delivery.transactional_producer import no_more_was_there
from tests.simulation.broker import Broker
from tests.simulation.processes import Killed, current
from tests.streams.wire.records import Received

MOST_PER_POLL = 50


def die(why: str, exc: BaseException | None = None, **_: object) -> None:
    """As `vital.die`: the process is gone, and no `finally` of its tasks is run but those on the way."""
    current().died(why, exc)
    raise Killed(why)


class Producer:
    """As aiokafka's idempotent one, by batches and record by record: in order per sender."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def create_batch(self) -> "Items":
        return Items()

    async def send_batch(self, batch: "Items", topic: str, partition: int) -> "asyncio.Future[None]":
        return self._send({Partition(topic, partition): batch.items})

    async def send(
        self, topic: str, value: bytes | None, key: bytes | None, partition: int, headers: Any
    ) -> "asyncio.Future[None]":
        """Its answer may be lost: this one's owner knows how to ask again."""
        return self._send({Partition(topic, partition): [Item(key, value, headers)]}, may_be_lost=True)

    def _send(
        self, parcels: Mapping[Partition, Iterable[Item]], may_be_lost: bool = False
    ) -> "asyncio.Future[None]":
        asked = self._broker.ask(self._broker.append, parcels, sender=self, may_be_lost=may_be_lost)
        return asyncio.ensure_future(asked)


class Items:
    def __init__(self) -> None:
        self.items: list[Item] = []

    def append(self, *, timestamp: None, key: bytes | None, value: bytes | None, headers: Any) -> bool:
        self.items.append(Item(key, value, headers))
        return True


class TransactionalProducer:
    def __init__(self, transactional_id: str, timeout_ms: int, settings: object, crashpoint: object) -> None:
        self.transactional_id, self._broker, self._epoch = transactional_id, current().room.broker, -1

    async def start(self) -> None:
        self._epoch = await self._broker.ask(self._broker.begin, self.transactional_id)

    async def stop(self) -> None:
        pass

    async def commit(
        self, parcels: Mapping[Partition, Iterable[Item]], begins: tuple[Partition, int] | None
    ) -> None:
        id, epoch = self.transactional_id, self._epoch
        lies_at = await self._broker.ask(self._broker.produce, id, epoch, parcels)
        no_more_was_there(begins, lies_at)
        self._epoch = await self._broker.ask(self._broker.commit, id, epoch)


class Reader:
    """As `AIOKafkaConsumer` where a table is read back."""

    reads_committed = True

    def __init__(self, *, isolation_level: str, **_: object) -> None:
        self._broker = current().room.broker
        self._committed = isolation_level == "read_committed" and self.reads_committed
        self._at: dict[Any, int] = {}

    async def __aenter__(self) -> "Reader":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def assign(self, tps: Sequence[Any]) -> None:
        self._at = dict.fromkeys(tps, 0)

    async def seek_to_beginning(self, *_: Any) -> None:
        pass

    async def position(self, tp: Any) -> int:
        return self._at[tp]

    async def end_offsets(self, tps: Sequence[Any]) -> dict[Any, int]:
        return await self._broker.ask(
            lambda: {tp: self._broker.end(Partition(*tp), self._committed) for tp in tps}
        )

    async def getmany(self, *tps: Any, timeout_ms: int) -> dict[Any, list[Received]]:
        found: dict[Any, list[Received]] = {}
        for tp in tps:
            asked = Partition(*tp), self._at[tp], MOST_PER_POLL, self._committed
            found[tp], self._at[tp] = await self._broker.ask(self._broker.read, *asked)
        return found


class Answers:
    """As the delivery's own: after the commit, at most once."""

    def __init__(self, settings: object, metrics: object) -> None:
        self._broker = current().room.broker

    def put(self, answers: list[Outgoing]) -> None:
        parcels: dict[Partition, list[Item]] = {}
        for answer in answers:
            parcel(parcels, answer, 0)
        if parcels:
            asyncio.ensure_future(self._broker.ask(self._broker.append, parcels))  # noqa: RUF006


class Event(NamedTuple):
    """What Faust hands to an agent."""

    value: Batch
    message: Any


class Stream:
    """The queue before the agent."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Event] = asyncio.Queue()

    def noack(self) -> "Stream":
        return self

    async def events(self) -> Any:
        while True:
            yield await self.queue.get()

    def clear(self) -> None:
        while not self.queue.empty():
            self.queue.get_nowait()


class Flow:
    """Faust's `flow_control`."""

    def __init__(self, stream: Stream) -> None:
        self._stream, self._active = stream, False

    def is_active(self) -> bool:
        return self._active

    def resume(self) -> None:
        self._active = True

    def suspend(self) -> None:
        self._active = False

    def clear(self) -> None:
        self._stream.clear()


class Engine:
    """As `streams.delivery.engine.Engine`: it has one agent, and the generation of its group."""

    def __init__(self, delivery: App, group: str, **_: object) -> None:
        self.stream = Stream()
        self.flow_control, self.consumer_generation_id = Flow(self.stream), -1
        self.producer = Producer(current().room.broker)
        self.agents: list[Callable[[Events], Awaitable[None]]] = []
        self.consumer: Any = None
        self._group = group

    def Table(self, name: str, **_: object) -> Any:
        return SimpleNamespace(changelog_topic_name=changelog_topic(self._group, name))

    def topic(self, name: str, **_: object) -> str:
        return name

    def agent(self, topic: str, name: str) -> Callable[[Any], None]:
        return self.agents.append


@contextmanager
def standing_in() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app_module, "Engine", Engine)
        patch.setattr(app_module, "Answers", Answers)
        patch.setattr(internals, "kafka_producer", lambda engine: engine.producer)
        patch.setattr(transactions, "TransactionalProducer", TransactionalProducer)
        patch.setattr(recovery, "AIOKafkaConsumer", Reader)
        patch.setattr(recovery, "freeze", lambda: None)  # a table that is read back here is not there to stay
        for module in (app_module, held, recovery, transactions, vital, writer):
            patch.setattr(module, "die", die)
        yield
