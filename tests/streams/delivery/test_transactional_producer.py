"""Kafka's transactions in their second version, on a real broker: all or nothing, once, whatever answer gets lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import (
    ConcurrentTransactions,
    InvalidProducerEpoch,
    KafkaConnectionError,
    MessageSizeTooLargeError,
    RequestTimedOutError,
)

from sandbox.kafka import create_topic
from streams.delivery import transactional_producer
from streams.delivery.protocol import EndTransactionRequest_v5, ProduceRequest_v12, produce
from streams.delivery.records import Partition
from streams.delivery.sending import MOST_BATCH_BYTES, Item
from streams.delivery.transactional_producer import TransactionalProducer
from tests.faults.delivery.kafka_log import read_all
from tests.streams.delivery.world import World, until

pytestmark = pytest.mark.real
TIMEOUT_MS = 30_000


@pytest.fixture
async def made(world: World) -> World:
    return await world.create(partitions=2)


@pytest.fixture
async def producer(made: World) -> AsyncIterator[TransactionalProducer]:
    producer = new(made)
    await producer.start()
    yield producer
    await producer.stop()


def new(world: World) -> TransactionalProducer:
    return TransactionalProducer(world.name, TIMEOUT_MS, {"bootstrap_servers": world.bootstrap})


def items(*values: bytes) -> list[Item]:
    return [Item(b"k", value, (("h", value[:1]), ("none", None))) for value in values]


def counted(call: Callable[..., Any]) -> tuple[Callable[..., Any], list[tuple[Any, ...]]]:
    """The same, and with what it was called so far."""
    calls: list[tuple[Any, ...]] = []

    def counting(*of: Any) -> Any:
        calls.append(of)
        return call(*of)

    return counting, calls


async def seen(world: World, what: str, partition: int) -> list[bytes | None]:
    records = await read_all(world.bootstrap, world.topic(what), world.partitions)
    return [record.value for record in records if record.partition == partition]


async def is_open(world: World, what: str, partition: int) -> bool:
    """Whether readers of committed records have to stop before the end."""
    tp, ends = TopicPartition(world.topic(what), partition), []
    for isolation in ("read_committed", "read_uncommitted"):
        async with AIOKafkaConsumer(bootstrap_servers=world.bootstrap, isolation_level=isolation) as reader:
            ends.append((await reader.end_offsets([tp]))[tp])
    committed, all_of_it = ends
    return bool(committed < all_of_it)


async def closes(world: World, what: str, partition: int) -> None:
    """A commit is answered when it is decided; its markers follow."""

    async def closed() -> bool:
        return not await is_open(world, what, partition)

    await until(closed, f"the end of the transaction in {what}/{partition}")


async def test_what_a_transaction_holds_arrives_in_order_however_many_batches_it_takes(
    made: World, producer: TransactionalProducer
) -> None:
    source, output = made.topic("source"), made.topic("output")
    large = [b"%d" % number + b"x" * (MOST_BATCH_BYTES // 3) for number in range(10)]
    await producer.commit({Partition(source, 1): items(b"a", b"b"), Partition(output, 0): items(*large)})
    await producer.commit({Partition(source, 1): items(b"c"), Partition(output, 1): items(b"d")})
    assert await seen(made, "source", 1) == [b"a", b"b", b"c"]
    assert await seen(made, "output", 0) == large
    assert await seen(made, "output", 1) == [b"d"]
    record = (await read_all(made.bootstrap, source, 2))[0]
    assert (record.key, list(record.headers)) == (b"k", [("h", b"a"), ("none", None)])


@pytest.mark.parametrize("kind", [ProduceRequest_v12, EndTransactionRequest_v5])
@pytest.mark.parametrize("lost", ["request", "answer"])
async def test_whatever_gets_lost_on_the_way_is_done_once(
    made: World, producer: TransactionalProducer, kind: type, lost: str
) -> None:
    send, count = producer.client.send, 0

    async def lossy(node: int, request: Any, **more: Any) -> Any:
        nonlocal count
        if not isinstance(request, kind):
            return await send(node, request, **more)
        count += 1
        if lost == "answer" or count % 3 == 0:
            answer = await send(node, request, **more)
        if count % 3:
            raise KafkaConnectionError(f"the {lost} got lost")
        return answer

    producer.client.send = lossy
    for number in range(5):
        await producer.commit({Partition(made.topic("output"), 0): items(b"%d" % number, b"again")})
    assert count >= 15, "each of them was lost twice"
    assert await seen(made, "output", 0) == [
        value for number in range(5) for value in (b"%d" % number, b"again")
    ]
    await closes(made, "output", 0)


async def test_who_starts_with_an_id_refuses_the_one_before(
    made: World, producer: TransactionalProducer
) -> None:
    output = Partition(made.topic("output"), 0)
    await producer.commit({output: items(b"first")})
    heir = new(made)
    await heir.start()
    with pytest.raises(InvalidProducerEpoch):
        await producer.commit({output: items(b"late")})
    await heir.commit({output: items(b"second")})
    await heir.stop()
    assert await seen(made, "output", 0) == [b"first", b"second"]


async def test_what_the_one_before_left_open_is_aborted(made: World, producer: TransactionalProducer) -> None:
    output = Partition(made.topic("output"), 0)
    batch = next(producer._packed(items(b"open")))
    await producer._produce({output: batch})
    assert await is_open(made, "output", 0)
    heir = new(made)
    await heir.start()
    await heir.commit({output: items(b"closed")})
    await heir.stop()
    assert await seen(made, "output", 0) == [b"closed"]
    await closes(made, "output", 0)


async def test_a_request_that_comes_after_the_end_of_its_transaction_opens_nothing(
    made: World, producer: TransactionalProducer
) -> None:
    """A first-version transaction is opened by it again, with nobody to end it. (As long as the marker of the end is not in
    the log, the broker knows the same batch by its number, and says that it has it.)"""
    output = Partition(made.topic("output"), 0)
    packed = producer._packed(items(b"1"))
    late = produce(made.name, TIMEOUT_MS, {output: next(packed)})
    await producer.commit({output: items(b"2")})

    await closes(made, "output", 0)
    answer = await producer.client.send(producer.client.cluster.leader_for_partition(output), late)
    assert answer.topics[0][1][0][1] == InvalidProducerEpoch.errno
    await closes(made, "output", 0)
    assert await seen(made, "output", 0) == [b"2"]


async def test_a_batch_that_is_refused_takes_the_others_with_it(
    made: World, producer: TransactionalProducer
) -> None:
    narrow = made.topic("narrow")
    await create_topic(made.bootstrap, narrow, 1, {"max.message.bytes": "2000"})
    with pytest.raises(MessageSizeTooLargeError):
        await producer.commit(
            {Partition(made.topic("output"), 0): items(b"1"), Partition(narrow, 0): items(b"x" * 3000)}
        )
    assert await seen(made, "output", 0) == []


async def test_nothing_is_committed_behind_what_its_writer_has_not_read(
    made: World, producer: TransactionalProducer
) -> None:
    output, other = Partition(made.topic("output"), 0), Partition(made.topic("output"), 1)
    await producer.commit({output: items(b"1", b"2"), other: items(b"3")}, (output, 0))
    await closes(made, "output", 0)  # with a marker, at 2
    await producer.commit({output: items(b"4")}, (output, 3))
    with pytest.raises(RuntimeError, match="does not end at 3, but at 5"):
        await producer.commit({output: items(b"5"), other: items(b"6")}, (output, 3))
    heir = new(made)
    await heir.start()
    await heir.stop()
    assert (await seen(made, "output", 0), await seen(made, "output", 1)) == ([b"1", b"2", b"4"], [b"3"])


async def test_a_leader_that_waits_for_the_others_in_vain_may_lead_no_more(
    producer: TransactionalProducer, made: World
) -> None:
    """It says that they are late; who leads is asked for, before the same is sent again."""
    send, (ask, asked) = producer.client.send, counted(producer.client.force_metadata_update)

    async def late(node: int, request: Any, **more: Any) -> Any:
        answer = await send(node, request, **more)
        if isinstance(request, ProduceRequest_v12) and not asked:
            answer.topics[0][1][0] = (0, RequestTimedOutError.errno, *answer.topics[0][1][0][2:])
        return answer

    producer.client.send, producer.client.force_metadata_update = late, ask
    await producer.commit({Partition(made.topic("output"), 0): items(b"1")})
    assert asked
    assert await seen(made, "output", 0) == [b"1"]


async def test_who_coordinates_no_more_does_not_keep_a_transaction_waiting(
    producer: TransactionalProducer, made: World
) -> None:
    """Cut off from the others, it says that one is under way, for as long as it is."""
    send, (look_up, looked_up) = producer.client.send, counted(producer.client.coordinator_lookup)

    async def busy(node: int, request: Any, **more: Any) -> Any:
        answer = await send(node, request, **more)
        if isinstance(request, EndTransactionRequest_v5) and not looked_up:
            answer.error_code = ConcurrentTransactions.errno
        return answer

    producer.client.send, producer.client.coordinator_lookup = busy, look_up
    async with asyncio.timeout(10):
        await producer.commit({Partition(made.topic("output"), 0): items(b"1")})
    assert await seen(made, "output", 0) == [b"1"]


async def test_a_cluster_that_has_not_agreed_on_the_version_is_refused(
    made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactional_producer, "TRANSACTION_VERSION", 99)
    producer = new(made)
    with pytest.raises(RuntimeError, match=r"transaction\.version"):
        await producer.start()
    await producer.stop()
