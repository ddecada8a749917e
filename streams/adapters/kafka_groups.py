"""Consumer groups as the brokers know them: who is in one, and how far it is behind. Read by somebody who looks once."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
    for_code,
)
from aiokafka.protocol.admin import DescribeGroupsRequest
from aiokafka.protocol.commit import OffsetFetchRequest

from streams.adapters.kafka_following import following

FETCH_WAIT_MS = 100
COORDINATOR_MOVES = (
    GroupCoordinatorNotAvailableError,  # in a new cluster, too, until somebody has asked for the first time
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)
COORDINATOR_TRIES, COORDINATOR_PAUSE_S = 10, 0.5  # aiokafka's admin client asks once


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
        described = {name: await _described(admin, name) for name in names}
        places = {name: await _places(admin, name) for name in names}
    finally:
        await admin.close()
    async with following(clients, FETCH_WAIT_MS) as consumer:
        ends = await consumer.end_offsets(sorted({tp for places_ in places.values() for tp in places_}))
    return [Group(name, *described[name], _behind(places[name], ends)) for name in names]


async def committed(clients: dict[str, Any], group: str, topic: str) -> dict[int, int]:
    """By partition, the place that a consumer group has committed last. Raises KafkaError."""
    admin = AIOKafkaAdminClient(**clients)
    try:
        await admin.start()
        return {
            tp.partition: place for tp, place in (await _places(admin, group)).items() if tp.topic == topic
        }
    finally:
        await admin.close()


async def _places(admin: AIOKafkaAdminClient, group: str) -> dict[TopicPartition, int]:
    """Once its coordinator knows them."""
    for _ in range(COORDINATOR_TRIES):
        with suppress(*COORDINATOR_MOVES):
            return await _places_now(admin, group)
        await asyncio.sleep(COORDINATOR_PAUSE_S)
    return await _places_now(admin, group)


async def _places_now(admin: AIOKafkaAdminClient, group: str) -> dict[TopicPartition, int]:
    """aiokafka's own has no places where a coordinator answers with an error, such as that it is still loading them."""
    answer = await admin._send_request(OffsetFetchRequest(group, None), await admin.find_coordinator(group))
    if answer.error_code:
        raise for_code(answer.error_code)(f"the places of {group} are not known: error {answer.error_code}")
    return {
        TopicPartition(topic, number): place
        for topic, partitions in answer.topics
        for number, place, _, code in partitions
        if not code
    }


class _Describe(DescribeGroupsRequest):  # type: ignore[misc]  # which has no types
    """aiokafka 0.14 reads the third version's answer as if it were the second's."""

    def prepare(self, versions: dict[int, tuple[int, int]]) -> Any:
        least, most = versions[self.API_KEY]
        return super().prepare({self.API_KEY: (least, min(most, 2))})


async def _described(admin: AIOKafkaAdminClient, name: str) -> tuple[str, int]:
    """Its state, and how many are in it."""
    answer = await admin._send_request(_Describe([name]), await admin.find_coordinator(name))
    ((_, _, state, _, _, members, *_),) = answer.groups
    return str(state), len(members)


def _behind(places: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]) -> int | None:
    lags = [max(0, ends[tp] - place) for tp, place in places.items() if place >= 0]
    return sum(lags) if lags else None
