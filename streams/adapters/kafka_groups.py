"""Consumer groups as the brokers know them: who is in one, and how far it is behind. Read by somebody who looks once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from streams.adapters.kafka_following import following

FETCH_WAIT_MS = 100


@dataclass(frozen=True, slots=True)
class Group:
    """`behind`: records that its committed places are behind the ends of their partitions, the marker behind a transaction being
    one. None: the group commits no place (the writer keeps its own in its changelog).
    """

    name: str
    state: str
    members: int
    behind: int | None


async def groups(clients: dict[str, Any], names: Sequence[str]) -> list[Group]:
    """Raises what Kafka's client raises."""
    admin = AIOKafkaAdminClient(**clients)
    await admin.start()
    try:
        described = {
            told[1]: (told[2], len(told[5]))
            for response in await admin.describe_consumer_groups(list(names))
            for told in response.groups
        }
        places = {name: await admin.list_consumer_group_offsets(name) for name in names}
    finally:
        await admin.close()
    async with following(clients, FETCH_WAIT_MS) as consumer:
        ends = await consumer.end_offsets(sorted({tp for places_ in places.values() for tp in places_}))
    return [Group(name, *described[name], _behind(places[name], ends)) for name in names]


def _behind(places: dict[TopicPartition, Any], ends: dict[TopicPartition, int]) -> int | None:
    lags = [max(0, ends[tp] - place.offset) for tp, place in places.items() if place.offset >= 0]
    return sum(lags) if lags else None
