"""Merchants' policies over a real Kafka: all that was said is known at start, what is said later a moment after."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator

import pytest

from models.errors import Unavailable
from models.policy import DEFAULT
from sandbox.testing import KafkaServer
from streams import topics
from streams.adapters.kafka_policies import KafkaPolicies
from streams.delivery import protocol
from streams.kafka_clients import client_settings
from streams.operator import audit
from streams.operator import policies as operator
from streams.settings import Settings
from tests.streams.adapters.servers import eventually

pytestmark = pytest.mark.real

PARTITIONS = 4


@pytest.fixture(scope="module")
def settings(kafka: KafkaServer) -> Settings:
    settings = Settings(kafka_bootstrap=kafka.bootstrap, group_prefix="policies", partitions=PARTITIONS)
    asyncio.run(topics.create(settings))
    return settings


@pytest.fixture
async def policies(settings: Settings) -> AsyncIterator[KafkaPolicies]:
    policies = KafkaPolicies(client_settings(settings))
    yield policies
    await policies.stop()


async def say(settings: Settings, merchant: str, **policy: object) -> None:
    document = json.dumps(policy).encode() if policy else None
    await operator.say(settings, merchant, document, "ada")


async def test_what_was_said_last_is_known_at_start_for_each_merchant(
    settings: Settings, policies: KafkaPolicies
) -> None:
    for number in range(12):
        await say(settings, f"mer_{number}", refund_window_days=1)
        await say(settings, f"mer_{number}", refund_window_days=number)
    await say(settings, "mer_3")
    await policies.start()
    days = [policies.of(f"mer_{number}").refund_window_days for number in range(12)]
    assert days == [None if number == 3 else number for number in range(12)]
    assert policies.of("mer_unheard_of") == DEFAULT
    assert policies.document("mer_3") is None


async def test_what_is_said_later_is_heard_and_what_is_no_policy_leaves_the_one_before(
    settings: Settings, policies: KafkaPolicies, caplog: pytest.LogCaptureFixture
) -> None:
    await policies.start()
    await say(settings, "mer_later", abandon_after_s=60)

    async def heard() -> bool:
        return policies.of("mer_later").abandon_after_s == 60

    await eventually(heard)
    with caplog.at_level(logging.CRITICAL):
        await operator.say(settings, "mer_later", b'{"surprise": 1}', "ada")
        await say(settings, "mer_after", abandon_after_s=61)

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


async def test_who_said_a_policy_is_told_with_it(settings: Settings) -> None:
    await say(settings, "mer_told", refund_window_days=3)
    await say(settings, "mer_told")
    told = await audit._on_kafka(settings, audit.Wanted("mer_told", None, None, 10))
    assert [(act.actor, act.action, act.subject, act.detail) for act in told] == [
        ("ada", "policy.set", "mer_told", {"policy": {"refund_window_days": 3}}),
        ("ada", "policy.dropped", "mer_told", {"policy": None}),
    ]
    assert await audit._on_kafka(settings, audit.Wanted("mer_told", None, told[0].at, 10)) == []


async def test_neither_is_there_without_the_other(
    settings: Settings, policies: KafkaPolicies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever dies between what is sent and its end has said nothing."""

    def die(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(protocol, "commit", die)
        with pytest.raises(RuntimeError, match="killed"):
            await say(settings, "mer_unsaid", refund_window_days=3)
    await say(settings, "mer_said", refund_window_days=3)
    await policies.start()
    assert policies.of("mer_said").refund_window_days == 3
    assert policies.of("mer_unsaid") == DEFAULT
    told = await audit._on_kafka(settings, audit.Wanted(None, None, None, 10))
    assert "mer_said" in {act.subject for act in told} and "mer_unsaid" not in {act.subject for act in told}
