"""Redis in particular: emptied, killed, restarted, paused, with nonsense in it. It never costs much, and heals by itself."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from sandbox.testing import RedisServer
from streams.adapters.redis_cache import ANSWER_WITHIN_S, KEPT_S, PREFIX, RedisPaymentCache
from tests.streams.adapters.payments import payment_id, view
from tests.streams.adapters.servers import emptied, eventually

pytestmark = pytest.mark.real

SLOW_MACHINE_S = 2.5  # on top of a limit, for a machine that is busy


@pytest.fixture
async def cache(redis_server: RedisServer) -> AsyncIterator[RedisPaymentCache]:
    cache = await emptied(RedisPaymentCache(redis_server.url))
    yield cache
    await cache.close()


@pytest.fixture
async def redis(redis_server: RedisServer) -> AsyncIterator["Redis"]:
    redis = Redis.from_url(redis_server.url)
    yield redis
    await redis.aclose()


async def test_views_are_forgotten_after_a_day(cache: RedisPaymentCache, redis: "Redis") -> None:
    await cache.put([view(1)])
    assert KEPT_S - 60 < await redis.ttl(PREFIX + payment_id(1)) <= KEPT_S


async def test_emptied_and_without_its_script_it_goes_on(cache: RedisPaymentCache, redis: "Redis") -> None:
    assert await cache.put([view(1)])
    await redis.flushall()
    await redis.script_flush()
    assert await cache.get(payment_id(1)) is None
    assert await cache.put([view(1, 2)])
    assert await cache.get(payment_id(1)) == view(1, 2)


@pytest.mark.parametrize("end", ["kill", "stop"])
async def test_a_dead_redis_says_no_at_once_and_is_used_again_when_it_is_back(
    end: str, cache: RedisPaymentCache, redis_server: RedisServer
) -> None:
    assert await cache.put([view(1)])
    await asyncio.to_thread(getattr(redis_server, end))
    try:
        started = time.monotonic()
        for _ in range(200):
            assert await cache.get(payment_id(1)) is None
            assert not await cache.put([view(1)])
        assert time.monotonic() - started < 2 * ANSWER_WITHIN_S + SLOW_MACHINE_S
    finally:
        await asyncio.to_thread(redis_server.start)
    await eventually(lambda: cache.put([view(1, 2)]))
    assert await cache.get(payment_id(1)) == view(1, 2)


async def test_a_redis_that_hangs_costs_one_request_little_and_the_others_nothing(
    cache: RedisPaymentCache, redis: "Redis"
) -> None:
    assert await cache.put([view(1)])
    await redis.client_pause(4_000)
    started = time.monotonic()
    assert await asyncio.gather(*(cache.get(payment_id(1)) for _ in range(40))) == [None] * 40
    assert time.monotonic() - started < ANSWER_WITHIN_S + SLOW_MACHINE_S
    again = time.monotonic()
    for _ in range(100):
        assert await cache.get(payment_id(1)) is None
    assert time.monotonic() - again < ANSWER_WITHIN_S + SLOW_MACHINE_S
    await eventually(lambda: cache.get(payment_id(1)))


async def test_a_cancelled_question_never_hands_its_answer_to_the_next_one(
    cache: RedisPaymentCache, redis: "Redis"
) -> None:
    await cache.put([view(number) for number in range(50)])
    for number in range(0, 50, 2):
        asking = asyncio.create_task(cache.get(payment_id(number)))
        for _ in range(number % 9):
            await asyncio.sleep(0)
        asking.cancel()
        answer = await cache.get(payment_id(number + 1))
        assert answer is None or answer["id"] == payment_id(number + 1)
    await eventually(lambda: cache.get(payment_id(1)))


async def test_who_is_canceled_while_redis_is_asked_ends_canceled(
    cache: RedisPaymentCache, redis: "Redis"
) -> None:
    """redis-py sends by `asyncio.wait_for`, which in Python 3.11 swallows a cancellation that meets its result: who watched a
    payment then went on, and nobody knew of it any more.
    """
    await cache.put([view(1)])

    async def watch() -> None:
        await cache.get(payment_id(1))
        await asyncio.sleep(3600.0)

    for ticks in range(30):
        watching = asyncio.create_task(watch())
        for _ in range(ticks):
            await asyncio.sleep(0)
        watching.cancel()
        done, _ = await asyncio.wait([watching], timeout=2.0)
        assert done, f"canceled after {ticks} turns of the loop, it goes on"
        assert watching.cancelled()


NO_SEQUENCE = f'7\n{{"id": "{payment_id(1)}"}}'


@pytest.mark.parametrize(
    "nonsense", ["", "7", "7\n", "7\n[]", "7\n{", "x\n{}", '7\n{"id": "pay_other"}', NO_SEQUENCE]
)
async def test_nonsense_in_redis_is_no_view_and_is_replaced(
    nonsense: str, cache: RedisPaymentCache, redis: "Redis"
) -> None:
    await redis.set(PREFIX + payment_id(1), nonsense)
    assert await cache.get(payment_id(1)) is None
    assert await cache.put([view(1, 8)])
    assert await cache.get(payment_id(1)) == view(1, 8)


async def test_one_batch_is_one_command(cache: RedisPaymentCache, redis: "Redis") -> None:
    await cache.put([view(1)])
    before = (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"]
    await cache.put([view(number, 2) for number in range(100)])
    assert (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"] == before + 1
