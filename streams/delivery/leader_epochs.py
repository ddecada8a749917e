"""Who leads, as a broker tells it that is cut off from the others, but not from its clients: as it was before.

Each election of a leader has a number, its epoch, and what is told of an older one than is known is not believed. Kafka's own
clients do so (KIP-320), aiokafka does not ask for it: of three brokers every third answer led back to one who leads no more,
where nothing that is written is acknowledged, and nothing new can be read. Nor is such a broker asked who coordinates, if there
is another, for a while.
"""

import functools
import random
import time
from collections.abc import Awaitable, Callable
from math import inf
from typing import Any, NamedTuple

from aiokafka.protocol.metadata import MetadataRequest, MetadataResponse_v5

from streams.delivery.protocol import MetadataResponse_v7

BELIEVED_S = 60.0
"""Who tells of an older epoch is believed where nobody has told of the newer one for so long: the topic was made anew, and
with it its epochs.
"""
AVOIDED_S = 10.0

Address = tuple[str, int]


class Leader(NamedTuple):
    epoch: int
    heard_at: float
    told: tuple[Any, ...]


newest: dict[tuple[str, str, int], Leader] = {}
"""By cluster, topic and partition, of all clients of this process."""
late_at: dict[Address, float] = {}
"""When a broker told what was known to be older."""


def newest_told(send: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Of a connection's answers about who leads."""

    async def corrected(connection: Any, answer: Awaitable[Any]) -> Any:
        told = await answer
        return believed(told, (connection.host, connection.port), time.monotonic())

    @functools.wraps(send)
    def sent(connection: Any, request: Any, expect_response: bool = True) -> Awaitable[Any]:
        answer = send(connection, request, expect_response)
        return corrected(connection, answer) if isinstance(request, MetadataRequest) else answer

    return sent


def believed(told: Any, address: Address, now: float) -> Any:
    """In the version that aiokafka knows, which has no epochs. What a broker tells that knows none is as it was."""
    if not isinstance(told, MetadataResponse_v7):
        return told
    topics, is_late = [], False
    for error, topic, is_internal, partitions in told.topics:
        leaders = []
        for code, number, leader, epoch, *copies in partitions:
            place = (told.cluster_id, topic, number)
            known = newest.get(place)
            if known and epoch < known.epoch and now < known.heard_at + BELIEVED_S:
                is_late = True
                code, leader, *copies = known.told
            else:
                newest[place] = Leader(epoch, now, (code, leader, *copies))
            leaders.append((code, number, leader, *copies))
        topics.append((error, topic, is_internal, leaders))
    if is_late:
        late_at[address] = now
    return MetadataResponse_v5(
        told.throttle_time_ms, told.brokers, told.cluster_id, told.controller_id, topics
    )


def not_cut_off(random_node: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Whom a client asks what any broker can answer: who coordinates, as a rule."""

    @functools.wraps(random_node)
    def chosen(client: Any) -> Any:
        since = time.monotonic() - AVOIDED_S
        good = [
            one.nodeId for one in client.cluster.brokers() if late_at.get((one.host, one.port), -inf) < since
        ]
        return random.choice(good) if good else random_node(client)  # noqa: S311 - any will do

    return chosen
