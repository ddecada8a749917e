"""Looks everywhere for what must come out nowhere: in every log and every topic. I13."""

from collections.abc import Collection, Mapping

from aiokafka import ConsumerRecord

from streams import topics
from streams.delivery import changelog_topic
from tests.system.stack import System
from tests.system.topics import Topics

NOT_OF_THE_SERVICE = {"supervisor.log"}
"""It welcomes the person who started everything, keys included, as it is meant to."""


def canaries(system: System, planted: Mapping[str, str]) -> dict[str, bytes]:
    """The system's own secrets, and what was planted."""
    return {name: value.encode() for name, value in {**system.secrets(), **planted}.items()}


async def leaks(system: System, canaries: Mapping[str, bytes], sent: Collection[bytes] = ()) -> list[str]:
    """In words, by whom. `sent`: keys of records that a client itself wrote a canary into."""
    found: list[str] = []
    for log in system.logs():
        if log.name not in NOT_OF_THE_SERVICE:
            text = log.read_bytes()
            found += [
                f"I13 {log.name} holds the {name}" for name, canary in canaries.items() if canary in text
            ]
    for record in await _everything(system):
        held = [name for name, canary in canaries.items() if canary in _bytes(record)]
        if held and not (record.topic in (topics.COMMANDS, topics.DEAD_LETTERS) and record.key in sent):
            place = f"{record.topic}/{record.partition}/{record.offset}"
            found.append(f"I13 {place} holds the {', '.join(held)}")
    return found


async def _everything(system: System) -> list[ConsumerRecord]:
    settings = system.settings
    changelog = changelog_topic(topics.writer_group(settings), topics.WRITER_TABLE)
    names = [topics.COMMANDS, topics.EVENTS, topics.REPLIES, topics.DEAD_LETTERS, changelog]
    return await Topics(settings.kafka_bootstrap, names, settings.partitions).read_on()


def _bytes(record: ConsumerRecord) -> bytes:
    headers = b"".join(name.encode() + (value or b"") for name, value in record.headers)
    return (record.key or b"") + (record.value or b"") + headers
