"""The notices that were taken in, in a real Redis; and without it nothing is known and nobody waits."""

import time

import pytest
from redis.asyncio import Redis

from streams.adapters.redis_notices import ANSWER_WITHIN_S, KEPT_S, PREFIX, RedisNoticeMemory

pytestmark = pytest.mark.real


async def test_what_was_taken_in_is_known_to_all_for_longer_than_it_is_repeated(redis_url: str) -> None:
    one, other = RedisNoticeMemory(redis_url), RedisNoticeMemory(redis_url)
    async with Redis.from_url(redis_url) as redis:
        assert not await one.has("/evt_1")
        await one.add("/evt_1")
        assert await other.has("/evt_1") and not await other.has("shop-b/evt_1")
        assert KEPT_S - 60 < await redis.ttl(f"{PREFIX}/evt_1") <= KEPT_S
    await one.close()
    await other.close()


async def test_without_redis_nothing_is_known_soon() -> None:
    nobody = RedisNoticeMemory("redis://127.0.0.1:1/0")
    begun = time.monotonic()
    await nobody.add("/evt_1")
    assert not await nobody.has("/evt_1")
    assert time.monotonic() - begun < 2 * ANSWER_WITHIN_S + 3
    await nobody.close()
