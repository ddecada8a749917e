"""The topic catalogue: every topic of Millrace with what it holds and how long, and the one command that creates them.

Source: contract, "Topics". All of them have the same number of partitions: a payment's command, events and dead letters
share one partition number, and the writer's changelog follows its source.
"""

import asyncio
import time
from dataclasses import dataclass, field

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError

from models.errors import Unavailable
from streams.delivery import CHANGELOG_CONFIG, DEAD_LETTERS_CONFIG, changelog_topic
from streams.kafka_clients import client_settings, reaching
from streams.settings import Settings

COMMANDS = "payments.commands.v1"
EVENTS = "payments.events.v1"
REPLIES = "payments.replies.v1"
DEAD_LETTERS = "payments.dead-letters.v1"
DIFFERENCES = "payments.differences.v1"
POLICIES = "payments.policies.v1"
NOTICES = "payments.notices.v1"
AUDIT = "payments.operator-audit.v1"
REPLIES_PREFIX = "payments.replies."

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_FOR_EVER = -1
_SET_ON_THE_TOPIC = 1  # Source: Kafka, DescribeConfigs, config_source: DYNAMIC_TOPIC_CONFIG
WRITER_TABLE = "payments"
SHOWN_WITHIN_S = 10.0
"""By every broker, what one of them has made: a second or two on a busy one."""

_READABLE = {"compression.type": "uncompressed"}
"""The broker unpacks what comes compressed: aiokafka alone knows gzip only, and one record in zstd, lz4 or snappy, which
Java's clients write by a mere setting, ended every process that fetched it. And what a batch unpacks to then counts
against `max.message.bytes`, so that no megabyte of zeros becomes a gigabyte in a consumer."""


@dataclass(frozen=True, slots=True)
class Topic:
    name: str
    holds: str
    retention_ms: int
    config: dict[str, str] = field(default_factory=dict)


PUBLIC: tuple[Topic, ...] = (
    Topic(
        COMMANDS,
        "what somebody wants, from anyone allowed to produce",
        7 * _DAY_MS,
        {
            "message.timestamp.type": "LogAppendTime",  # the age of a command is the broker's to say, not its sender's
            **_READABLE,
        },
    ),
    Topic(EVENTS, "what happened, one totally ordered story per payment", _FOR_EVER, _READABLE),
    Topic(REPLIES, "the answer to one command, to the partition its `reply_to` names", _HOUR_MS, _READABLE),
    Topic(
        DEAD_LETTERS,
        "what could not be understood or broke an invariant: original bytes and headers, and why",
        30 * _DAY_MS,
        DEAD_LETTERS_CONFIG | _READABLE,  # a letter is the original, and headers on top
    ),
    Topic(
        DIFFERENCES,
        "where the log, the table, PostgreSQL and Stripe say different things of a payment, as `millrace reconcile` found it",
        90 * _DAY_MS,  # an auditor's quarter
        _READABLE,
    ),
)


def writer_group(settings: Settings) -> str:
    return f"{settings.group_prefix}-writer"


def catalogue(settings: Settings) -> tuple[Topic, ...]:
    """The public topics, and those of Millrace and its operators: policies, unfamiliar notices, what operators did, and the
    changelog behind the writer's table.
    """
    changelog = changelog_topic(writer_group(settings), WRITER_TABLE)
    return (
        *PUBLIC,
        Topic(
            POLICIES, "what each merchant's payments must keep to", _FOR_EVER, {"cleanup.policy": "compact"}
        ),
        Topic(
            NOTICES,
            "the provider's notices of types or accounts not known here, as they came",
            30 * _DAY_MS,
            _READABLE,
        ),
        Topic(
            AUDIT,
            "what operators did about dead letters, policies and payments: who, when and why",
            _FOR_EVER,
        ),
        Topic(changelog, "the writer's table and its place in the commands", _FOR_EVER, CHANGELOG_CONFIG),
    )


def kept(topic: Topic) -> str:
    """For how long, in words."""
    if topic.config.get("cleanup.policy") == "compact":
        return "the last of each key"
    if topic.retention_ms == _FOR_EVER:
        return "forever"
    days, hours = divmod(topic.retention_ms // _HOUR_MS, 24)
    return f"{days} d" if days else f"{hours} h"


async def create(settings: Settings) -> list[str]:
    """Create what is missing, hold the others to their configuration; the names of what was created. Raises Unavailable."""
    admin = AIOKafkaAdminClient(**client_settings(settings))
    try:
        with reaching(settings):
            await admin.start()
            existing = set(await admin.list_topics())
            missing = [topic for topic in catalogue(settings) if topic.name not in existing]
            for topic in missing:
                await _create_one(admin, topic, settings)
            for topic in catalogue(settings):
                if topic not in missing:
                    await _hold_to_its_config(admin, topic)
            await _until_shown(admin, [topic.name for topic in missing])
    finally:
        await admin.close()
    return [topic.name for topic in missing]


async def _until_shown(admin: AIOKafkaAdminClient, names: list[str]) -> None:
    """A broker says that a topic is made before it tells others of it, and of who leads it."""
    until = time.monotonic() + SHOWN_WITHIN_S
    while names and not all(
        each["partitions"] and all(partition["leader"] >= 0 for partition in each["partitions"])
        for each in await admin.describe_topics(names)
    ):
        if time.monotonic() > until:
            raise Unavailable(f"Kafka has made the topics {', '.join(names)}, and does not show them")
        await asyncio.sleep(0.1)


async def _create_one(admin: AIOKafkaAdminClient, topic: Topic, settings: Settings) -> None:
    config = {
        "retention.ms": str(topic.retention_ms),
        "min.insync.replicas": str(settings.min_insync_replicas),
        **topic.config,
    }
    new = NewTopic(topic.name, settings.partitions, settings.replication_factor, topic_configs=config)
    try:
        answer = await admin.create_topics([new])
    except TopicAlreadyExistsError:
        return  # another process was quicker
    for name, code, *rest in answer.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise Unavailable(f"Kafka did not create {name}: error {code} {rest}")


async def _hold_to_its_config(admin: AIOKafkaAdminClient, topic: Topic) -> None:
    """A topic that was there before may lack what safety rests on. What else its operator has set stays as it is."""
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name)])
    code, message, *_, entries = answer.resources[0]
    if code:
        raise Unavailable(f"Kafka does not tell the configuration of {topic.name}: error {code} {message}")
    own = {name: value for name, value, _, source, *_ in entries if source == _SET_ON_THE_TOPIC}
    if topic.config.items() <= own.items():
        return
    wanted = ConfigResource(ConfigResourceType.TOPIC, topic.name, configs=own | topic.config)
    (altered,) = await admin.alter_configs([wanted])
    for code, message, *_ in altered.resources:
        if code:
            raise Unavailable(f"Kafka did not configure {topic.name}: error {code} {message}")
