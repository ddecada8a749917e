"""How Redis is asked on the way of a payment: a few connections, no retries, an answer soon or none. What is said is not here."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from models.errors import Unavailable
from streams import background
from streams.breaker import Breaker
from streams.settings import SettingsRefused

LEFT_ALONE_S = 0.5
"""After a failure: a dead Redis costs one request in so many seconds its time-out, the others nothing."""

T = TypeVar("T")


def connect(url: str, answer_within_s: float, connections_max: int) -> Redis:
    """Connects when first asked; connecting, and waiting for a connection, is within `answer_within_s` too.

    Raises SettingsRefused for certificates that cannot be used.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections_max,
        timeout=answer_within_s,
        retry=Retry(NoBackoff(), 0),  # by default ten times, with pauses: seconds
        socket_connect_timeout=answer_within_s,
        socket_timeout=answer_within_s,
        protocol=2,
    )
    if pool.connection_class is SSLConnection:
        _share_one_context(pool)
    return Redis.from_pool(pool)


def _share_one_context(pool: BlockingConnectionPool) -> None:
    """redis-py reads all certificates of the system for each connection: 30 ms in which the loop stands still, and a fifth of an
    answer's time, or all of it where others work as well.
    """
    made = SSLConnection(**pool.connection_kwargs).ssl_context
    try:
        made.get()
    except (OSError, RedisError) as failed:  # an SSLError is an OSError
        raise SettingsRefused(f"MILLRACE_REDIS_URL: its certificates cannot be used: {failed}") from None

    class OneContext(SSLConnection):
        def __init__(self, **arguments: Any) -> None:
            super().__init__(**arguments)
            self.ssl_context = made

    pool.connection_class = OneContext


async def answered(asked: Awaitable[T], within_s: float) -> T:
    """What Redis says to it. Raises Unavailable."""
    try:
        async with background.no_cancellation_swallowed(), asyncio.timeout(within_s):
            return await asked
    except (RedisError, OSError, TimeoutError) as away:
        raise Unavailable(f"Redis is away: {type(away).__name__}") from None


class Dispensable:
    """A Redis that nothing depends on: it answers within `answer_within_s`, or with None, and heals by itself."""

    def __init__(self, url: str, answer_within_s: float, connections_max: int) -> None:
        self.redis = connect(url, answer_within_s, connections_max)
        self._answer_within_s, self._breaker = answer_within_s, Breaker(LEFT_ALONE_S)

    async def ask(self, command: Callable[[], Awaitable[T]]) -> T | None:
        if not self._breaker.lets_through():
            return None
        try:
            answer = await answered(command(), self._answer_within_s)
        except Unavailable:
            self._breaker.failed()
            return None
        self._breaker.succeeded()
        return answer

    async def close(self) -> None:
        await self.redis.aclose()
