"""Consumer groups as a real broker tells of them."""

from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupLoadInProgressError
from aiokafka.protocol.commit import OffsetFetchRequest

from sandbox.testing import KafkaServer
from streams.adapters import kafka_groups
from streams.adapters.kafka_groups import Group, committed, groups
from streams.kafka_clients import client_settings
from streams.settings import Settings
from tests.faults.delivery.kafka_log import commit_at

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


async def test_a_coordinator_that_does_not_know_the_places_yet_is_no_group_without_any(
    kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, name, nobodys = (f"{part}-{uuid4().hex}" for part in ("topic", "group", "nobody"))
    clients = client_settings(Settings(kafka_bootstrap=kafka.bootstrap))
    await kafka.create_topic(topic, 2)
    await commit_at(kafka.bootstrap, name, TopicPartition(topic, 1), 7)
    send, loads = AIOKafkaAdminClient._send_request, 2

    async def loading(self: Any, request: Any, *of: Any) -> Any:
        nonlocal loads
        answer = await send(self, request, *of)
        if isinstance(request, OffsetFetchRequest) and loads:
            loads -= 1
            answer.topics, answer.error_code = [], GroupLoadInProgressError.errno
        return answer

    monkeypatch.setattr(AIOKafkaAdminClient, "_send_request", loading)
    monkeypatch.setattr(kafka_groups, "COORDINATOR_PAUSE_S", 0.01)
    assert await committed(clients, name, topic) == {1: 7}
    assert not loads
    assert await committed(clients, nobodys, topic) == {}

    loads = kafka_groups.COORDINATOR_TRIES + 1
    with pytest.raises(GroupLoadInProgressError):
        await committed(clients, name, topic)

    loads = 2
    assert [group.behind for group in await groups(clients, [name, nobodys])] == [0, None]
    assert not loads
