"""The catalogue against real Kafka: what safety rests on is set on every topic, also on one that was there before."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import MessageSizeTooLargeError

from sandbox.testing import KafkaServer
from streams import topics
from streams.operator.dead_letters import listing
from streams.settings import Settings, load
from tests.streams.delivery.world import until

TOPIC_CONFIG = ConfigResourceType.TOPIC


@pytest.fixture
async def admin(kafka: KafkaServer) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    yield admin
    await admin.close()


def settings(kafka: KafkaServer) -> Settings:
    return Settings(kafka_bootstrap=kafka.bootstrap, group_prefix=f"topics-{uuid.uuid4().hex[:8]}")


async def until_configured(admin: AIOKafkaAdminClient, name: str, **wanted: str) -> None:
    """A broker learns of a topic, and of its configuration, a moment after the controller has decided it."""

    async def known() -> bool:
        (answer,) = await admin.describe_configs([ConfigResource(TOPIC_CONFIG, name)])
        found = {entry[0]: entry[1] for entry in answer.resources[0][4]}
        return {(key, found.get(key.replace("_", "."))) for key in wanted} == set(wanted.items())

    await until(known, f"{name} with {wanted}")


async def test_every_public_topic_is_stored_as_every_consumer_can_read_it(
    kafka: KafkaServer, admin: AIOKafkaAdminClient
) -> None:
    await topics.create(settings(kafka))
    for topic in topics.PUBLIC:
        await until_configured(admin, topic.name, compression_type="uncompressed")


async def test_a_topic_from_before_is_held_to_its_configuration_and_keeps_the_rest_of_its_own(
    kafka: KafkaServer, admin: AIOKafkaAdminClient
) -> None:
    ours = settings(kafka)
    await topics.create(ours)
    operators = {"segment.ms": "3600000", "message.timestamp.type": "CreateTime"}
    await admin.alter_configs([ConfigResource(TOPIC_CONFIG, topics.COMMANDS, configs=operators)])
    await until_configured(admin, topics.COMMANDS, message_timestamp_type="CreateTime")
    await topics.create(ours)
    await until_configured(
        admin,
        topics.COMMANDS,
        message_timestamp_type="LogAppendTime",
        compression_type="uncompressed",
        segment_ms="3600000",
    )


async def test_what_unpacks_to_more_than_a_record_may_weigh_is_refused_by_the_broker(
    kafka: KafkaServer,
) -> None:
    await topics.create(settings(kafka))
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap, compression_type="gzip", max_request_size=1 << 26
    )
    await producer.start()
    try:
        with pytest.raises(MessageSizeTooLargeError):
            await producer.send_and_wait(topics.COMMANDS, b"0" * (8 << 20), b"k", partition=0)
    finally:
        await producer.stop()


async def test_dead_letters_are_read_from_as_many_partitions_as_there_are(
    kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where MILLRACE_PARTITIONS is wrong, or the topic is not there yet."""
    ours = settings(kafka)
    await topics.create(ours)
    monkeypatch.setenv("MILLRACE_KAFKA_BOOTSTRAP", kafka.bootstrap)
    monkeypatch.setenv("MILLRACE_PARTITIONS", str(ours.partitions + 3))
    letter = topics.DEAD_LETTERS, b"{", b"k"
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        await producer.send_and_wait(*letter, headers=[("source", b"t/0/0"), ("code", b"the_test_of_topics")])
    found = await asyncio.wait_for(listing.newest(load(), 5), 15.0)
    assert "the_test_of_topics" in [row["code"] for row in found]
    monkeypatch.setattr(listing, "DEAD_LETTERS", "not.there")
    assert await asyncio.wait_for(listing.newest(load(), 5), 15.0) == []
