"""The door's command log on a real broker: what it says of a command is true when it says it."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.producer.message_accumulator import MessageAccumulator

from models.errors import Unavailable
from sandbox.testing import KafkaServer
from streams import topics
from streams.adapters.kafka_command_log import KafkaCommandLog
from streams.kafka_clients import client_settings
from streams.settings import Settings
from streams.topics import COMMANDS
from streams.wire.commands import CommandCodec
from tests.models import samples
from tests.system.waiting import until

APPENDED = 10


@pytest.mark.real
async def test_what_was_appended_is_in_the_log_and_not_on_its_way(kafka: KafkaServer) -> None:
    settings = Settings(kafka_bootstrap=kafka.bootstrap)
    await topics.create(settings)
    log = KafkaCommandLog(client_settings(settings), CommandCodec(settings.partitions, b"secret"))
    log.start()
    await until(log.answers, 20.0, "it has connected")
    async with asyncio.timeout(20), AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap) as consumer:
        tps = [TopicPartition(COMMANDS, number) for number in range(settings.partitions)]
        before = sum((await consumer.end_offsets(tps)).values())
        for count in range(1, APPENDED + 1):
            await log.append(samples.create(), None)
            assert sum((await consumer.end_offsets(tps)).values()) == before + count
    await log.stop()


@pytest.mark.real
async def test_what_ends_its_sender_is_no_end_of_it(
    kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiokafka would refuse all that comes after it, and the door would seem well."""
    settings = Settings(kafka_bootstrap=kafka.bootstrap)
    await topics.create(settings)
    log = KafkaCommandLog(client_settings(settings), CommandCodec(settings.partitions, b"secret"))
    log.start()
    await until(log.answers, 20.0, "it has connected")
    with monkeypatch.context() as patched:
        patched.setattr(MessageAccumulator, "drain_by_nodes", surprised)
        with pytest.raises(Unavailable):
            await log.append(samples.create(), None)
        assert not await log.answers()
    await until(log.answers, 20.0, "it has connected again")
    await log.append(samples.create(), None)
    await log.stop()


def surprised(*args: object, **kwargs: object) -> None:
    raise RuntimeError("a surprise")


async def test_without_a_broker_nothing_is_taken() -> None:
    settings = Settings(kafka_bootstrap="127.0.0.1:1")
    log = KafkaCommandLog(client_settings(settings), CommandCodec(settings.partitions, b"secret"))
    log.start()
    with pytest.raises(Unavailable):
        await log.append(samples.create(), None)
    await log.stop()
