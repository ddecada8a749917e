"""How Redis is asked on the way of a payment: a few connections, no retries, an answer soon or none. What is said is not here."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from streams.breaker import Breaker

LEFT_ALONE_S = 0.5
"""After a failure: a dead Redis costs one request in so many seconds its time-out, the others nothing."""

T = TypeVar("T")


def connect(url: str, answer_within_s: float, connections_max: int) -> Redis:
    """Connects when first asked; connecting, and waiting for a connection, is within `answer_within_s` too."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections_max,
        timeout=answer_within_s,
        retry=Retry(NoBackoff(), 0),  # by default ten times, with pauses: seconds
        socket_connect_timeout=answer_within_s,
        socket_timeout=answer_within_s,
        protocol=2,
    )
    return Redis.from_pool(pool)


class Dispensable:
    """A Redis that nothing depends on: it answers within `answer_within_s`, or with None, and heals by itself."""

    def __init__(self, url: str, answer_within_s: float, connections_max: int) -> None:
        self.redis = connect(url, answer_within_s, connections_max)
        self._answer_within_s, self._breaker = answer_within_s, Breaker(LEFT_ALONE_S)

    async def ask(self, command: Callable[[], Awaitable[T]]) -> T | None:
        if not self._breaker.lets_through():
            return None
        try:
            async with asyncio.timeout(self._answer_within_s):
                answer = await command()
        except (RedisError, OSError, TimeoutError):
            self._breaker.failed()
            return None
        self._breaker.succeeded()
        return answer

    async def close(self) -> None:
        await self.redis.aclose()
