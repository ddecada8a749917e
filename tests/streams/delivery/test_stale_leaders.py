"""A broker that has less than was read of another: in fault F6 one that was cut off, here one whose log is not there yet."""

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from sandbox.kafka import create_topic
from sandbox.testing import KafkaServer
from streams.delivery import stale_leaders
from streams.delivery.engine import LEADERS_KNOWN_MS, SAFE, client_settings
from streams.delivery.internals import read_committed

NOTHING_MS, SOON_MS = 1_500, 10_000


async def filled(kafka: KafkaServer, topic: str, count: int) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        for number in range(count):
            await producer.send_and_wait(topic, b"%d" % number, partition=0)


async def read(consumer: AIOKafkaConsumer, within_ms: int) -> list[int]:
    found = await consumer.getmany(timeout_ms=within_ms)
    return [record.offset for records in found.values() for record in records]


@pytest.fixture
async def topic(kafka: KafkaServer, request: pytest.FixtureRequest) -> str:
    name = f"stale-{request.node.name}"
    await create_topic(kafka.bootstrap, name, 1, {})
    await filled(kafka, name, 3)
    return name


def reader(kafka: KafkaServer) -> AIOKafkaConsumer:
    return read_committed(
        AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest"), fetch_wait_ms=100
    )


@pytest.mark.real
async def test_who_has_read_further_waits_for_who_has_it(
    kafka: KafkaServer, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with reader(kafka) as consumer:
        consumer.assign([tp := TopicPartition(topic, 0)])
        consumer.seek(tp, 5)
        assert await read(consumer, NOTHING_MS) == []
        await filled(kafka, topic, 5)
        found: list[int] = []
        while len(found) < 3 and (more := await read(consumer, SOON_MS)):
            found += more
        assert found == [5, 6, 7]
    assert f"{topic}/0 was short and is not" in caplog.text, (
        "the same broker has it now: others would have led meanwhile"
    )


@pytest.mark.real
async def test_what_never_comes_was_lost(
    kafka: KafkaServer, topic: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(stale_leaders, "BELIEVED_AFTER_S", 1.0)
    async with reader(kafka) as consumer:
        consumer.assign([tp := TopicPartition(topic, 0)])
        consumer.seek(tp, 5)
        assert await read(consumer, SOON_MS) == [0, 1, 2]
    assert "records are lost" in caplog.text


def test_what_another_reader_had_for_a_while_is_short_since_now() -> None:
    short: dict[tuple[str, int], stale_leaders.Short] = {}
    times = [1000.0, 1010.0, 4610.0]
    assert [stale_leaders._short_for_s(short, ("events", 0), 1, now) for now in times] == [0.0, 10.0, 0.0]


@pytest.mark.real
async def test_what_is_gone_since_its_time_was_over_is_told_and_left_out(
    kafka: KafkaServer, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=2)})
    await admin.close()
    async with reader(kafka) as consumer:
        consumer.assign([tp := TopicPartition(topic, 0)])
        consumer.seek(tp, 0)
        assert await read(consumer, SOON_MS) == [2]
    assert f"{topic}/0: what was in 0 to 1 is gone" in caplog.text


@pytest.mark.real
async def test_who_leads_is_asked_again_though_nothing_seems_wrong(kafka: KafkaServer, topic: str) -> None:
    """A leader that was cut off says to who has read all that it has just that nothing is new."""
    assert SAFE["consumer_metadata_max_age_ms"] == LEADERS_KNOWN_MS, "Faust's consumer as well as ours"
    async with AIOKafkaConsumer(**client_settings(kafka.bootstrap, None)) as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        heard: list[object] = []
        consumer._client.cluster.add_listener(heard.append)
        await consumer.getmany(timeout_ms=2 * LEADERS_KNOWN_MS + 1_000)
    assert len(heard) >= 2
