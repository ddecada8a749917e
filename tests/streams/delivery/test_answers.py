"""Answers whose producer is of no more use: whoever waits for one must not wait in vain for good."""

import pytest
from aiokafka.producer.message_accumulator import MessageAccumulator

from sandbox.testing import KafkaServer
from streams.delivery import Metrics, Outgoing, vital
from streams.delivery.answers import Answers
from tests.streams.delivery.world import until


@pytest.mark.real
async def test_a_process_whose_answers_have_lost_their_sender_ends(
    kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiokafka logs it, and takes nothing any more."""
    died: list[str] = []
    monkeypatch.setattr(vital, "die", lambda why, exc: died.append(why))
    await kafka.create_topic("answers-without-a-sender")
    answers = Answers({"bootstrap_servers": kafka.bootstrap}, Metrics())
    await answers.start()
    monkeypatch.setattr(MessageAccumulator, "drain_by_nodes", surprised)
    answers.put([Outgoing("answers-without-a-sender", b"key", b"value", 0)])
    await until(lambda: bool(died), "it has ended")
    assert died == ["ended, and told nobody: the sender"]
    await answers.stop()


def surprised(*args: object, **kwargs: object) -> None:
    raise RuntimeError("a surprise")
