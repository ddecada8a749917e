"""Where a consumer group has committed: a coordinator that cannot say so yet is no group without places."""

from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupLoadInProgressError
from aiokafka.protocol.commit import OffsetFetchRequest

from sandbox.testing import KafkaServer
from streams.adapters import kafka_log
from streams.adapters.kafka_log import committed

pytestmark = pytest.mark.real
TOPIC, GROUP = "committed-places", "committed-places-group"


@pytest.fixture
async def clients(kafka: KafkaServer) -> dict[str, Any]:
    await kafka.create_topic(TOPIC, 2)
    async with AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap, group_id=GROUP, enable_auto_commit=False
    ) as consumer:
        consumer.assign([tp := TopicPartition(TOPIC, 1)])
        await consumer.commit({tp: 7})
    return {"bootstrap_servers": kafka.bootstrap}


async def test_places_are_known_when_the_coordinator_has_loaded_them(
    clients: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    send, loads = AIOKafkaAdminClient._send_request, 2

    async def loading(self: Any, request: Any, *of: Any) -> Any:
        nonlocal loads
        answer = await send(self, request, *of)
        if isinstance(request, OffsetFetchRequest) and loads:
            loads -= 1
            answer.topics, answer.error_code = [], GroupLoadInProgressError.errno
        return answer

    monkeypatch.setattr(AIOKafkaAdminClient, "_send_request", loading)
    monkeypatch.setattr(kafka_log, "COORDINATOR_PAUSE_S", 0.01)
    assert await committed(clients, GROUP, TOPIC) == {1: 7}
    assert not loads
    assert await committed(clients, "nobody", TOPIC) == {}

    loads = kafka_log.COORDINATOR_TRIES + 1
    with pytest.raises(GroupLoadInProgressError):
        await committed(clients, GROUP, TOPIC)
