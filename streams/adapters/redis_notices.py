"""Which of the provider's notices have been taken in already, by their ids. A hint, that spares a command: what it does not know
changes nothing either, and of two notices with one content the second never does.
"""

from streams.adapters.redis_connecting import Dispensable

KEPT_S = 4 * 86_400
"""A day longer than the provider repeats a notice. Source: Stripe, webhooks: for up to three days."""
ANSWER_WITHIN_S = 0.15
CONNECTIONS_MAX = 8
PREFIX = "millrace:v1:notice:"


class RedisNoticeMemory:
    """Fulfils NoticeMemory."""

    def __init__(self, url: str) -> None:
        """Connects when first asked."""
        self._redis = Dispensable(url, ANSWER_WITHIN_S, CONNECTIONS_MAX)

    async def has(self, name: str) -> bool:
        return bool(await self._redis.ask(lambda: self._redis.redis.exists(PREFIX + name)))

    async def add(self, name: str) -> None:
        await self._redis.ask(lambda: self._redis.redis.set(PREFIX + name, 1, ex=KEPT_S))

    async def close(self) -> None:
        await self._redis.close()
