"""Consumer groups as a real broker tells of them."""

from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from sandbox.testing import KafkaServer
from streams.adapters.kafka_groups import Group, groups
from streams.kafka_clients import client_settings
from streams.settings import Settings

pytestmark = pytest.mark.real


async def test_who_is_in_a_group_and_how_far_it_is_behind(kafka: KafkaServer) -> None:
    topic, name, nobodys = (f"{part}-{uuid4().hex}" for part in ("topic", "group", "nobody"))
    clients = client_settings(Settings(kafka_bootstrap=kafka.bootstrap))
    await kafka.create_topic(topic, 2)
    async with AIOKafkaProducer(**clients) as producer:
        for n in range(5):
            await producer.send_and_wait(topic, b"%d" % n, partition=n % 2)
    async with AIOKafkaConsumer(
        topic, group_id=name, auto_offset_reset="earliest", enable_auto_commit=False, **clients
    ) as consumer:
        first = await consumer.getone()
        await consumer.commit()
        assert first.topic == topic
        found = await groups(clients, [name, nobodys])
    assert found[0] == Group(name, "Stable", 1, 4)
    assert (found[1].state, found[1].members, found[1].behind) == ("Dead", 0, None)
