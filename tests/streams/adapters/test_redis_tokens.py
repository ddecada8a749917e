"""The limits that all gateways keep together, in a real Redis: never more than the rate, whoever asks; and without Redis."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from models.errors import Unavailable
from sandbox.testing import RedisServer
from streams.adapters.redis_tokens import ANSWER_WITHIN_S, RedisTokens
from streams.budget.bucket import burst_of
from streams.budget.tokens import IN_ALL, Rates, Wanted

pytestmark = pytest.mark.real

CREATE, CAPTURE = "POST /payment_intents", "POST /payment_intents/:id/capture"
SHOP = "shop"


@pytest.fixture
async def gateways(redis_url: str) -> AsyncIterator[list[RedisTokens]]:
    """Three of them."""
    found = [RedisTokens(redis_url) for _ in range(3)]
    yield found
    for each in found:
        await each.close()


async def drawn(tokens: RedisTokens, rates: Rates, wanted: int, for_s: float, account: str = SHOP) -> int:
    """As much as one gateway gets that asks again and again, also after an answer that a busy machine was too late with."""
    ends_at, got = time.monotonic() + for_s, 0
    while time.monotonic() < ends_at:
        try:
            given = (await tokens.take(account, rates, [Wanted(CREATE, wanted)]))[0]
        except Unavailable:
            continue
        got += given.sends
        await asyncio.sleep(min(given.wait_s, max(0.0, ends_at - time.monotonic())))
    return got


async def test_all_gateways_together_get_the_rate_and_not_more(gateways: list[RedisTokens]) -> None:
    begun = time.monotonic()
    got = await asyncio.gather(*(drawn(each, Rates(None, 100.0), 7, 2.0) for each in gateways))
    passed_s = time.monotonic() - begun
    assert sum(got) <= 100 * passed_s + burst_of(100.0) + 1
    assert sum(got) >= 0.95 * 100 * 2.0
    assert min(got) > 0


async def test_an_endpoint_takes_no_more_than_the_account_has_left_and_the_first_named_goes_first(
    gateways: list[RedisTokens],
) -> None:
    rates = Rates(8.0, 100.0)  # a burst of two
    capture, create = await gateways[0].take(SHOP, rates, [Wanted(CAPTURE, 1), Wanted(CREATE, 5)])
    assert (capture.sends, create.sends) == (1, 1)
    assert 0 < create.wait_s <= 1 / 8 + 0.01


async def test_accounts_and_endpoints_have_buckets_of_their_own(gateways: list[RedisTokens]) -> None:
    rates = Rates(None, 4.0)
    first, again = [(await gateways[n].take(SHOP, rates, [Wanted(CREATE, 5)]))[0].sends for n in (0, 1)]
    assert (first, again) == (1, 0)
    assert (await gateways[0].take(SHOP, rates, [Wanted(CAPTURE, 5)]))[0].sends == 1
    assert (await gateways[0].take("another", rates, [Wanted(CREATE, 5)]))[0].sends == 1


async def test_a_rate_that_is_not_known_bounds_nothing(gateways: list[RedisTokens]) -> None:
    rates = Rates(None, None)
    assert (await gateways[0].take(SHOP, rates, [Wanted(CREATE, 5_000)]))[0] == (5_000, 0.0)


async def test_what_redis_forgets_is_forgotten_and_nothing_stays(
    gateways: list[RedisTokens], redis_server: RedisServer
) -> None:
    await gateways[0].take(SHOP, Rates(100.0, 25.0), [Wanted(CREATE, 1)])
    async with Redis.from_url(redis_server.url) as redis:
        keys = await redis.keys("*stripe-tokens*")
        assert len(keys) == 1 and 0 < await redis.ttl(keys[0]) <= 60
        await redis.script_flush()
        await redis.flushall()
    assert (await gateways[0].take(SHOP, Rates(None, 4.0), [Wanted(CREATE, 1)]))[0].sends == 1


async def test_without_redis_it_says_so_quickly() -> None:
    nobody = RedisTokens("redis://127.0.0.1:1/0")
    begun = time.monotonic()
    with pytest.raises(Unavailable):
        await nobody.take(SHOP, Rates(None, 4.0), [Wanted(CREATE, 1)])
    assert time.monotonic() - begun < ANSWER_WITHIN_S + 3
    await nobody.close()


async def test_what_is_left_is_told_as_it_stood_when_some_were_taken(gateways: list[RedisTokens]) -> None:
    one, other, _ = gateways
    assert await one.left(SHOP) == {}
    (given,) = await one.take(SHOP, Rates(100.0, 50.0), [Wanted(CREATE, 3)])
    assert given.sends == 3
    assert await other.left(SHOP) == {IN_ALL: burst_of(100.0) - 3, CREATE: burst_of(50.0) - 3}
