"""Sessions of operators at the console, in Redis: by a name that opens nothing, with an end. What is in one is the door's."""

from typing import Any

from streams.adapters.redis_connecting import answered, connect

ANSWER_WITHIN_S = 1.0
CONNECTIONS_MAX = 4
PREFIX = "millrace:v1:console:"


class RedisSessions:
    """Fulfils Sessions. All of it raises Unavailable."""

    def __init__(self, url: str) -> None:
        """Connects when first asked."""
        self._redis = connect(url, ANSWER_WITHIN_S, CONNECTIONS_MAX)

    async def keep(self, name: str, content: bytes, for_s: int) -> None:
        await answered(self._redis.set(PREFIX + name, content, ex=for_s), ANSWER_WITHIN_S)

    async def kept(self, name: str) -> bytes | None:
        found: Any = await answered(self._redis.get(PREFIX + name), ANSWER_WITHIN_S)
        return None if found is None else bytes(found)

    async def drop(self, name: str) -> None:
        await answered(self._redis.delete(PREFIX + name), ANSWER_WITHIN_S)

    async def close(self) -> None:
        await self._redis.aclose()
