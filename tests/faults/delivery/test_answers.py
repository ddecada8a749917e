"""Answers when the broker that takes them leads no more: whoever waits for one must not wait in vain."""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from streams.delivery import Metrics, Outgoing, Partition
from streams.delivery.answers import Answers
from tests.faults.brokers import Brokers
from tests.faults.delivery.kafka_log import read_all
from tests.system.waiting import until

REPLIES = Partition("replies", 0)
ELECTED_WITHIN_S = 30.0


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[Brokers]:
    brokers = Brokers(tmp_path, 3)
    brokers.start()
    yield brokers
    brokers.stop()


@pytest.fixture
async def answers(brokers: Brokers) -> AsyncIterator[Answers]:
    await brokers.create({REPLIES.topic: {}}, 1)
    answers = Answers({"bootstrap_servers": brokers.bootstrap}, Metrics())
    await answers.start()
    yield answers
    await answers.stop()


@pytest.mark.real
async def test_an_answer_that_a_leader_takes_after_it_was_cut_off_is_not_lost(
    brokers: Brokers, answers: Answers
) -> None:
    answers.put([Outgoing(REPLIES.topic, b"key", b"before", REPLIES.partition)])
    await until(lambda: answers.metrics.answers_sent == 1, ELECTED_WITHIN_S, "the first is there")

    leader = await until(lambda: leads(brokers.bootstrap), ELECTED_WITHIN_S, "who leads is known")
    cut_off = next(node for node in brokers.nodes if node.number == leader)
    others = ",".join(node.bootstrap for node in brokers.nodes if node is not cut_off)
    os.kill(cut_off.pid, signal.SIGSTOP)
    await until(lambda: another_leads(others, cut_off.number), ELECTED_WITHIN_S, "another leads")
    answers.put([Outgoing(REPLIES.topic, b"key", b"after", REPLIES.partition)])
    os.kill(cut_off.pid, signal.SIGCONT)

    await until(
        lambda: answers.metrics.answers_sent == 2, ELECTED_WITHIN_S, "the second is there, it was told"
    )
    there = [record.value for record in await read_all(others, REPLIES.topic, 1)]
    assert b"after" in there, "it may be there twice, as a batch that is sent again is"


async def leads(bootstrap: str) -> int | None:
    """The number of its leader, if the broker that happens to be asked answers at once."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=500)
    try:
        await client.bootstrap()
        return (await client.fetch_all_metadata()).leader_for_partition(REPLIES)  # type: ignore[no-any-return]
    except KafkaError:
        return None
    finally:
        await client.close()


async def another_leads(bootstrap: str, cut_off: int) -> bool:
    return await leads(bootstrap) not in (None, -1, cut_off)
