"""Merchants' policies over a real Kafka: all that was said is known at start, what is said later a moment after."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from models.errors import Unavailable
from models.policy import DEFAULT
from sandbox.testing import KafkaServer
from streams import topics
from streams.adapters import kafka_policies
from streams.adapters.kafka_policies import KafkaPolicies
from streams.kafka_clients import client_settings
from streams.settings import Settings
from tests.streams.adapters.servers import eventually

pytestmark = pytest.mark.real

PARTITIONS = 4


@pytest.fixture(scope="module")
def clients(kafka: KafkaServer) -> dict[str, Any]:
    settings = Settings(kafka_bootstrap=kafka.bootstrap, group_prefix="policies", partitions=PARTITIONS)
    asyncio.run(topics.create(settings))
    return client_settings(settings)


@pytest.fixture
async def policies(clients: dict[str, Any]) -> AsyncIterator[KafkaPolicies]:
    policies = KafkaPolicies(clients)
    yield policies
    await policies.stop()


async def say(clients: dict[str, Any], merchant: str, **policy: object) -> None:
    document = json.dumps(policy).encode() if policy else None
    await kafka_policies.say(clients, PARTITIONS, merchant, document)


async def test_what_was_said_last_is_known_at_start_for_each_merchant(
    clients: dict[str, Any], policies: KafkaPolicies
) -> None:
    for number in range(12):
        await say(clients, f"mer_{number}", refund_window_days=1)
        await say(clients, f"mer_{number}", refund_window_days=number)
    await say(clients, "mer_3")
    await policies.start()
    days = [policies.of(f"mer_{number}").refund_window_days for number in range(12)]
    assert days == [None if number == 3 else number for number in range(12)]
    assert policies.of("mer_unheard_of") == DEFAULT
    assert policies.document("mer_3") is None


async def test_what_is_said_later_is_heard_and_what_is_no_policy_leaves_the_one_before(
    clients: dict[str, Any], policies: KafkaPolicies, caplog: pytest.LogCaptureFixture
) -> None:
    await policies.start()
    await say(clients, "mer_later", abandon_after_s=60)

    async def heard() -> bool:
        return policies.of("mer_later").abandon_after_s == 60

    await eventually(heard)
    with caplog.at_level(logging.CRITICAL):
        await kafka_policies.say(clients, PARTITIONS, "mer_later", b'{"surprise": 1}')
        await say(clients, "mer_after", abandon_after_s=61)

        async def passed() -> bool:
            await asyncio.sleep(0)
            return "mer_later" in caplog.text and policies.of("mer_after").abandon_after_s == 61

        await eventually(passed)
    assert policies.of("mer_later").abandon_after_s == 60


async def test_without_a_kafka_it_says_so_in_time() -> None:
    policies = KafkaPolicies({"bootstrap_servers": "127.0.0.1:1"}, known_within_s=1.0)
    with pytest.raises(Unavailable, match="within 1 s"):
        await policies.start()
    await policies.stop()
