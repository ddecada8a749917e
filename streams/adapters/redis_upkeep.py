"""Everything that the cache holds, gone through and put right by whoever knows the truth. Not on the way of any request."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from models.errors import Unavailable
from streams.adapters.redis_cache import PREFIX

ANSWER_WITHIN_S = 5.0
PER_PAGE = 500
OTHERS = ":"
"""In the rest of a name: it is no payment's and no refund's, but of what else is kept in Redis (`notice:evt_…`, `screen:…`)."""

DROP_IF = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class RedisUpkeep:
    def __init__(self, url: str) -> None:
        """Connects when first asked."""
        self._redis: Redis = Redis.from_url(
            url, socket_timeout=ANSWER_WITHIN_S, socket_connect_timeout=ANSWER_WITHIN_S, protocol=2
        )

    async def entries(self) -> AsyncIterator[dict[str, bytes]]:
        """Values by name, a page at a time; one that is written meanwhile may come twice. Raises Unavailable."""
        cursor, more = 0, True
        while more:
            scanned: Any = await self._ask(self._redis.scan(cursor, match=f"{PREFIX}*", count=PER_PAGE))
            cursor, keys = scanned
            more = cursor != 0
            names = [key.decode(errors="replace").removeprefix(PREFIX) for key in keys]
            yield await self.of([name for name in names if OTHERS not in name])

    async def of(self, names: Sequence[str]) -> dict[str, bytes]:
        """What stands under these names. Raises Unavailable."""
        found: dict[str, bytes] = {}
        for start in range(0, len(names), PER_PAGE):
            page = names[start : start + PER_PAGE]
            values: Any = await self._ask(self._redis.mget([PREFIX + name for name in page]))
            found |= {name: value for name, value in zip(page, values, strict=True) if value is not None}
        return found

    async def drop(self, name: str, value: bytes) -> bool:
        """Unless something else stands there by now. Raises Unavailable."""
        return bool(await self._ask(self._redis.eval(DROP_IF, 1, PREFIX + name, value)))

    async def close(self) -> None:
        await self._redis.aclose()

    async def _ask(self, asked: Any) -> Any:
        try:
            return await asked
        except (RedisError, OSError) as failed:
            raise Unavailable(f"Redis did not do as asked: {failed}") from failed
