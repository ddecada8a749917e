"""How long it takes until new commands settle again, and what clients felt meanwhile."""

import asyncio
import time
from dataclasses import dataclass
from itertools import count
from uuid import uuid4

from streams.delivery import partition_of
from tests.system.history import Attempt, History
from tests.system.http_client import HttpClient


async def settles_everywhere(http: HttpClient, partitions: int) -> float:
    """Seconds from now until a payment that is asked for now has settled, on each partition: the longest of them."""
    began = time.monotonic()
    return max(await asyncio.gather(*(_settles(http, n, partitions) for n in range(partitions)))) - began


async def _settles(http: HttpClient, partition: int, partitions: int) -> float:
    """The moment. Who is told only that it has begun asks again, under another key."""
    for key in (f"probe-{uuid4().hex}" for _ in count()):
        if partition_of(http.payment_id(key).encode(), partitions) == partition:
            made = await http.create(key)
            if made.settled_at is not None:
                return made.settled_at
    raise AssertionError


@dataclass(frozen=True)
class Felt:
    """`unavailable`: the part of the attempts that were told 5xx or nothing at all. `p99_s`: of a command's first try to the end
    of its last, since who is told 503 waits on.
    """

    attempts: int
    unavailable: float
    p99_s: float


def felt(history: History, since: float) -> Felt:
    tries: list[Attempt] = history.attempts_since(since)
    if not tries:
        return Felt(0, 0.0, 0.0)
    turned_away = sum(each.status is None or each.status >= 500 for each in tries)
    begun = [each for each in history.operations if each.attempts and each.attempts[0].at >= since]
    took = sorted(each.took_s for each in begun) or [0.0]
    return Felt(len(tries), turned_away / len(tries), took[min(len(took) - 1, int(len(took) * 0.99))])
