"""Who has news, over a real Kafka: heard once it is committed, by those it concerns, and said when something may be missing."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from models.errors import Unavailable
from sandbox.testing import KafkaServer
from streams import topics
from streams.adapters import kafka_signals
from streams.adapters.kafka_signals import KafkaListener, KafkaSignals
from streams.kafka_clients import client_settings
from streams.settings import Settings

pytestmark = pytest.mark.real

PARTITIONS = 4
ONE, OTHER = "pay_" + "1" * 32, "pay_" + "2" * 32
WITHIN_S = 10.0


@pytest.fixture(scope="module")
def clients(kafka: KafkaServer) -> dict[str, Any]:
    settings = Settings(kafka_bootstrap=kafka.bootstrap, group_prefix="signals", partitions=PARTITIONS)
    asyncio.run(topics.create(settings))
    return client_settings(settings)


@pytest.fixture
async def signals(clients: dict[str, Any]) -> AsyncIterator[KafkaSignals]:
    signals = KafkaSignals(clients)
    yield signals
    await signals.stop()


@asynccontextmanager
async def transaction(clients: dict[str, Any]) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(acks="all", transactional_id="signals", **clients)
    await producer.start()
    try:
        async with producer.transaction():
            yield producer
    finally:
        await producer.stop()


async def tell(producer: AIOKafkaProducer, payment_id: str, sequence: int, merchant: str = "mer_1") -> None:
    value = {"merchant": merchant, "payment": {"merchant": merchant}}
    headers = [("ce_sequence", str(sequence).encode())]
    await producer.send_and_wait(
        topics.EVENTS, json.dumps(value).encode(), payment_id.encode(), headers=headers
    )


def fail() -> None:
    raise ZeroDivisionError


async def test_news_of_a_payment_is_heard_once_it_is_committed(
    clients: dict[str, Any], signals: KafkaSignals
) -> None:
    async with signals.listen("mer_1", ONE) as listener:
        async with transaction(clients) as producer:
            for sequence in (4, 5, 6):
                await tell(producer, ONE, sequence)
            await tell(producer, OTHER, 1)
            assert await listener.news(0.3) == {}
        assert await listener.news(WITHIN_S) == {ONE: (4, 6)}
        assert await listener.news(0.1) == {}


async def test_one_who_watches_all_hears_of_their_own_and_of_nobody_elses(
    clients: dict[str, Any], signals: KafkaSignals
) -> None:
    async with signals.listen("mer_1", None) as mine, signals.listen("mer_2", None) as theirs:
        async with transaction(clients) as producer:
            await tell(producer, ONE, 1, "mer_1")
            await tell(producer, OTHER, 7, "mer_2")
        assert await mine.news(WITHIN_S) == {ONE: (1, 1)}
        assert await theirs.news(WITHIN_S) == {OTHER: (7, 7)}


async def test_an_aborted_event_is_no_news(clients: dict[str, Any], signals: KafkaSignals) -> None:
    async with signals.listen("mer_1", ONE) as listener:
        with pytest.raises(ZeroDivisionError):
            async with transaction(clients) as producer:
                await tell(producer, ONE, 9)
                fail()
        async with transaction(clients) as producer:
            await tell(producer, ONE, 2)
        assert await listener.news(WITHIN_S) == {ONE: (2, 2)}


async def test_nothing_is_read_when_nobody_has_watched_for_a_while(
    clients: dict[str, Any], signals: KafkaSignals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_signals, "LINGER_S", 0.1)
    async with signals.listen("mer_1", ONE):
        reading = signals._reading
    assert reading is not None
    await asyncio.wait_for(reading, WITHIN_S)
    async with signals.listen("mer_1", ONE) as listener:  # and again, when somebody does
        async with transaction(clients) as producer:
            await tell(producer, ONE, 3)
        assert await listener.news(WITHIN_S) == {ONE: (3, 3)}


async def test_who_cannot_hear_of_anything_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_signals, "READY_WITHIN_S", 0.5)
    nobody = KafkaSignals(client_settings(Settings(kafka_bootstrap="127.0.0.1:1")))
    with pytest.raises(Unavailable):
        async with nobody.listen("mer_1", ONE):
            pass
    await nobody.stop()


async def test_who_may_have_missed_something_is_told_so(
    clients: dict[str, Any], signals: KafkaSignals
) -> None:
    async with signals.listen("mer_1", ONE) as listener:
        await signals.stop()  # as when the connection breaks
        with pytest.raises(Unavailable):
            await listener.news(WITHIN_S)


async def test_who_does_not_keep_up_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_signals, "NEWS_MAX", 3)
    listener = KafkaListener("mer_1")
    for number in range(1000):
        listener.hear(f"pay_{number}", 1)
    with pytest.raises(Unavailable):
        await listener.news(0.1)
    assert len(listener._news) == 4, "what nobody comes for is not gathered"
