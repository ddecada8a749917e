"""The topic catalogue: every topic of Millrace with what it holds and how long, and the one command that creates them.

Source: contract, "Topics". All of them have the same number of partitions: a payment's command, events and dead letters
share one partition number, and the writer's changelog follows its source.
"""

from dataclasses import dataclass, field

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError

from models.errors import Unavailable
from streams.delivery import CHANGELOG_CONFIG, DEAD_LETTERS_CONFIG, changelog_topic
from streams.kafka_clients import client_settings
from streams.settings import Settings

COMMANDS = "payments.commands.v1"
EVENTS = "payments.events.v1"
REPLIES = "payments.replies.v1"
DEAD_LETTERS = "payments.dead-letters.v1"
REPLIES_PREFIX = "payments.replies."

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_FOR_EVER = -1
WRITER_TABLE = "payments"


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
            "message.timestamp.type": "LogAppendTime"
        },  # the age of a command is the broker's to say, not its sender's
    ),
    Topic(EVENTS, "what happened, one totally ordered story per payment", _FOR_EVER),
    Topic(REPLIES, "the answer to one command, to the partition its `reply_to` names", _HOUR_MS),
    Topic(
        DEAD_LETTERS,
        "what could not be understood or broke an invariant: original bytes and headers, and why",
        30 * _DAY_MS,
        dict(DEAD_LETTERS_CONFIG),  # a letter is the original, and headers on top
    ),
)


def writer_group(settings: Settings) -> str:
    return f"{settings.group_prefix}-writer"


def catalogue(settings: Settings) -> tuple[Topic, ...]:
    """The public topics, and the changelog behind the writer's table."""
    changelog = changelog_topic(writer_group(settings), WRITER_TABLE)
    return (
        *PUBLIC,
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
    """Create what is missing; the names of what was created. Raises Unavailable."""
    admin = AIOKafkaAdminClient(**client_settings(settings))
    try:
        await admin.start()
        existing = set(await admin.list_topics())
        missing = [topic for topic in catalogue(settings) if topic.name not in existing]
        for topic in missing:
            await _create_one(admin, topic, settings)
    except (KafkaError, OSError) as failed:
        raise Unavailable(f"Kafka at {settings.kafka_bootstrap}: {failed!r}") from failed
    finally:
        await admin.close()
    return [topic.name for topic in missing]


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
