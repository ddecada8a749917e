"""Leaders that were cut off, and do not know it yet, and have less than was read from who leads now.

To aiokafka an offset that is out of range is one that is gone: it goes back to the beginning, or on to the end, whichever it
was told. A follower was handed its log's first records again, and who reads a table back could have left some of it out. Kafka's
own clients tell a broker since which election they know it for the leader (KIP-320); aiokafka does not.
"""

import asyncio
import functools
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from aiokafka.errors import NotLeaderForPartitionError, OffsetOutOfRangeError
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.offset import OffsetRequest

AGAIN_S = 0.1  # and then it is asked who leads
# What is short for so long was lost, by an unclean election: then a reader does what it was told. What was not asked for in a
# while, since another reader had it, counts from then.
BELIEVED_AFTER_S, A_WHILE_S = 60.0, 20.0
EARLIEST = -2  # as a time: source: Kafka's protocol, ListOffsets

NOT_IT = NotLeaderForPartitionError.errno

log = logging.getLogger("millrace.delivery")
Place = tuple[str, int]  # topic and partition


class Short(NamedTuple):
    since: float
    asked_at: float
    node: int


def asked_who_leads(send: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Of a fetch beyond what its broker has: as if it had said that it does not lead. What is before all that it has is gone,
    since its time was over: there the reader goes on where that begins, or raises, as it would by itself, and it is told.
    """

    @functools.wraps(send)
    async def sent(client: Any, node: int, request: Any, **more: Any) -> Any:
        response = await send(client, node, request, **more)
        if isinstance(request, FetchRequest):
            await _look(client, node, request, response, send)
        return response

    return sent


async def _look(
    client: Any, node: int, request: Any, response: Any, send: Callable[..., Awaitable[Any]]
) -> None:
    """Changes the response in place."""
    codes = {(topic, number): code for topic, told in response.topics for number, code, *_ in told}
    beyond = {tp for tp, code in codes.items() if code == OffsetOutOfRangeError.errno}
    short: dict[Place, Short] = client.__dict__.setdefault("short", {})
    for tp in short.keys() & codes.keys() - beyond:
        # one that was cut off would have said meanwhile that it leads no more
        if short.pop(tp).node == node and codes[tp] == 0:
            log.critical("%s/%s was short and is not: what was lost, and written again, was not read", *tp)
    if not beyond:
        return
    wanted = {(topic, number): offset for topic, asked in request.topics for number, offset, _ in asked}
    begins = await _beginnings(client, node, beyond, send)
    for tp in list(beyond):
        if wanted[tp] < begins.get(tp, 0):
            log.critical(
                "%s/%s: what was in %s to %s is gone, and was not read", *tp, wanted[tp], begins[tp] - 1
            )
            beyond.remove(tp)
        elif _short_for_s(short, tp, node, time.monotonic()) > BELIEVED_AFTER_S:
            log.critical("%s/%s ends before %s, which was there: records are lost", *tp, wanted[tp])
            beyond.remove(tp)
        else:
            log.warning("broker %s has not all of %s/%s up to %s: who leads?", node, *tp, wanted[tp])
    if not beyond:
        return
    response.topics = [
        (
            topic,
            [(number, NOT_IT if (topic, number) in beyond else code, *more) for number, code, *more in told],
        )
        for topic, told in response.topics
    ]
    await asyncio.sleep(AGAIN_S)


def _short_for_s(short: dict[Place, Short], tp: Place, node: int, now: float) -> float:
    known = short.get(tp)
    since = known.since if known and now <= known.asked_at + A_WHILE_S else now
    short[tp] = Short(since, now, node)
    return now - since


async def _beginnings(
    client: Any, node: int, asked: set[Place], send: Callable[..., Awaitable[Any]]
) -> dict[Place, int]:
    """Where that broker's own logs begin; of those that it knows."""
    topics = [(topic, [(number, EARLIEST)]) for topic, number in asked]
    response = await send(client, node, OffsetRequest(-1, 0, topics))
    return {
        (topic, number): told[-1]
        for topic, partitions in response.topics
        for number, code, *told in partitions
        if code == 0
    }
