"""Callers' rate limits in a real Redis: one limit for all doors, counted as in memory, and nothing of it when Redis hangs."""

import asyncio
import random
import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from models.callers import Limit
from models.errors import Unavailable
from sandbox.testing import RedisServer
from streams.adapters.redis_limits import ANSWER_WITHIN_S, PREFIX, RedisLimits
from streams.rate_limits import RateLimits, Taking
from streams.rate_limits.gcra import Cells

pytestmark = pytest.mark.real

KEY = Limit("key", "mr_test_12345678", 100.0, 200)
MERCHANT = Limit("merchant", "mer_1", 150.0, 300)
SLOW = Limit("key", "slow", 0.001, 50)


@pytest.fixture
async def doors(redis_url: str) -> AsyncIterator[list[RedisLimits]]:
    """Two of them."""
    found = [RedisLimits(redis_url) for _ in range(2)]
    yield found
    for each in found:
        await each.close()


async def test_all_doors_together_admit_the_burst_and_the_rate_and_not_more(doors: list[RedisLimits]) -> None:
    limits, begun, admitted = [RateLimits(each, 2) for each in doors], time.monotonic(), 0
    while time.monotonic() - begun < 1.5:
        said = await asyncio.gather(*(each.take([KEY, MERCHANT], 5) for each in limits for _ in range(4)))
        admitted += 5 * sum(verdict.admitted for verdict in said)
        await asyncio.sleep(0.01)
    passed_s = time.monotonic() - begun
    assert 0.9 * (KEY.burst + KEY.per_s * 1.5) <= admitted <= KEY.burst + KEY.per_s * passed_s + 5


async def test_redis_decides_as_memory_does(doors: list[RedisLimits]) -> None:
    draw, cells = random.Random(7), Cells(10)
    other = Limit("merchant", "slow", 0.001, 70)
    for _ in range(60):
        cost, limits = draw.randint(1, 7), draw.choice([[SLOW], [SLOW, other], [other]])
        expected = cells.take(limits, cost, 0.0)  # nothing comes back within a test at so slow a rate
        decided = (await doors[0].take([Taking(limits, cost)]))[0]
        assert decided.admitted is expected.admitted
        for lead_s, standing in zip(decided.leads_s, expected.standings, strict=True):
            assert lead_s == pytest.approx(standing.restored_s, abs=5.0)


async def test_takings_of_one_round_trip_are_decided_one_after_the_other(doors: list[RedisLimits]) -> None:
    small = Limit("key", "small", 0.001, 12)
    decided = await doors[0].take(
        [Taking([small], 5), Taking([small], 5), Taking([small], 5), Taking([small], 2)]
    )
    assert [each.admitted for each in decided] == [True, True, False, True]


async def test_a_clock_that_is_set_back_locks_nobody_out(
    doors: list[RedisLimits], redis_server: RedisServer
) -> None:
    quick = Limit("key", "quick", 100.0, 20)
    async with Redis.from_url(redis_server.url) as redis:
        await redis.set(f"{PREFIX}key:quick", f"{time.time() + 3600:.6f}")
    refused = (await doors[0].take([Taking([quick], 5)]))[0]
    assert not refused.admitted and refused.leads_s[0] == pytest.approx(0.2)
    await asyncio.sleep(0.1)
    assert (await doors[0].take([Taking([quick], 5)]))[0].admitted


async def test_a_limit_that_owes_nothing_is_forgotten(
    doors: list[RedisLimits], redis_server: RedisServer
) -> None:
    await doors[0].take([Taking([KEY], 5)])
    await asyncio.sleep(0.1)
    async with Redis.from_url(redis_server.url) as redis:
        assert await redis.keys(f"{PREFIX}*") == []


async def test_a_redis_that_is_not_there_is_said_to_be_away_at_once() -> None:
    nobody = RedisLimits("redis://127.0.0.1:1/0")
    begun = time.monotonic()
    with pytest.raises(Unavailable):
        await nobody.take([Taking([KEY], 1)])
    assert time.monotonic() - begun < ANSWER_WITHIN_S + 3
    await nobody.close()
