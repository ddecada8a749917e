"""Consumer groups as the brokers know them: who is in one, and how far it is behind. Read by somebody who looks once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import DescribeGroupsRequest

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
        described = {name: await _described(admin, name) for name in names}
        places = {name: await admin.list_consumer_group_offsets(name) for name in names}
    finally:
        await admin.close()
    async with following(clients, FETCH_WAIT_MS) as consumer:
        ends = await consumer.end_offsets(sorted({tp for places_ in places.values() for tp in places_}))
    return [Group(name, *described[name], _behind(places[name], ends)) for name in names]


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


def _behind(places: dict[TopicPartition, Any], ends: dict[TopicPartition, int]) -> int | None:
    lags = [max(0, ends[tp] - place.offset) for tp, place in places.items() if place.offset >= 0]
    return sum(lags) if lags else None
