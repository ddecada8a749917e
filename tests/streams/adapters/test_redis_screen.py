"""How much a customer may pay within the hour, held in a real Redis: exactly, whoever asks at once; and without it."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from redis.asyncio import Redis

from models.money import Money
from models.policy import VELOCITY_WINDOW_S, Velocity
from models.provider import Deferred, Operation, PspCall, ReadIntent, ScreenCustomer, Screened
from sandbox.testing import RedisServer
from streams.adapters import redis_screen
from streams.adapters.redis_screen import PREFIX, RedisCustomerScreen

pytestmark = pytest.mark.real

AT = datetime(2026, 1, 31, tzinfo=UTC)
SLOW_MACHINE_S = 10.0


@pytest.fixture
async def screen(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RedisCustomerScreen]:
    monkeypatch.setattr(
        redis_screen, "ANSWER_WITHIN_S", SLOW_MACHINE_S
    )  # who waits longer is let through unseen
    screen = RedisCustomerScreen(redis_url)
    yield screen
    await screen.close()


async def pass_by(redis_url: str, seconds: float) -> None:
    """All that was let through is so much longer ago."""
    async with Redis.from_url(redis_url) as redis:
        async for key in redis.scan_iter(f"{PREFIX}of:*"):
            kept: Any = await redis.zrange(key, 0, -1, withscores=True)
            await redis.zadd(key, {member: at_ms - seconds * 1000 for member, at_ms in kept})


def asks(
    number: int,
    velocity: Velocity,
    amount_minor: int = 1000,
    currency: str = "usd",
    customer: str = "cus_1",
    merchant: str = "mer_1",
) -> PspCall:
    payment_id = f"pay_{number:032x}"
    ask = ScreenCustomer(customer, Money(amount_minor, currency), velocity)
    return PspCall(f"{payment_id}:screen:1", Operation.SCREEN, payment_id, merchant, AT, ask)


async def admitted(screen: RedisCustomerScreen, call: PspCall) -> bool:
    outcome = await screen.look(call)
    assert isinstance(outcome, Screened)
    assert outcome.admitted or "within the hour" in outcome.reason
    return outcome.admitted


async def test_of_many_who_ask_at_once_just_as_many_as_allowed_are_let_through(
    screen: RedisCustomerScreen,
) -> None:
    three = Velocity(payments_max=3)
    answers = await asyncio.gather(*(admitted(screen, asks(n, three)) for n in range(40)))
    assert sum(answers) == 3


async def test_amounts_add_up_in_their_own_currency(screen: RedisCustomerScreen) -> None:
    limits = Velocity(amounts_max_minor={"usd": 2500, "eur": 1000})
    assert await admitted(screen, asks(1, limits, 2000))
    assert not await admitted(screen, asks(2, limits, 501))
    assert await admitted(screen, asks(3, limits, 500))
    assert await admitted(screen, asks(4, limits, 1000, "eur"))
    assert not await admitted(screen, asks(5, limits, 1, "eur"))
    assert await admitted(screen, asks(6, limits, 10**9, "gbp"))


async def test_customers_and_merchants_do_not_count_for_each_other(screen: RedisCustomerScreen) -> None:
    one = Velocity(payments_max=1)
    assert await admitted(screen, asks(1, one))
    assert not await admitted(screen, asks(2, one))
    assert await admitted(screen, asks(3, one, customer="cus_2"))
    assert await admitted(screen, asks(4, one, merchant="mer_2"))


async def test_any_hour_counts_and_not_the_hour_of_the_clock(
    screen: RedisCustomerScreen, redis_url: str
) -> None:
    two = Velocity(payments_max=2)
    assert await admitted(screen, asks(1, two))
    await pass_by(redis_url, VELOCITY_WINDOW_S / 2)
    assert await admitted(screen, asks(2, two))
    await pass_by(redis_url, VELOCITY_WINDOW_S / 2 - 30)
    assert not await admitted(screen, asks(3, two))
    await pass_by(redis_url, 60)
    assert await admitted(screen, asks(4, two))
    assert not await admitted(screen, asks(5, two))


async def test_gateways_whose_clocks_are_an_hour_apart_count_the_same_hour(
    screen: RedisCustomerScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Velocity(payments_max=1)
    assert await admitted(screen, asks(1, one))
    monkeypatch.setattr("time.time", lambda now=time.time: now() + VELOCITY_WINDOW_S + 60)
    assert not await admitted(screen, asks(2, one))


async def test_a_payment_that_asks_again_has_the_same_answer_and_counts_once(
    screen: RedisCustomerScreen, redis_url: str
) -> None:
    one = Velocity(payments_max=1)
    assert [await admitted(screen, asks(1, one)) for _ in range(3)] == [True] * 3
    assert not await admitted(screen, asks(2, one))
    await pass_by(redis_url, 2 * VELOCITY_WINDOW_S)
    assert not await admitted(screen, asks(2, one)), "turned away is turned away"
    assert await admitted(screen, asks(3, one))


async def test_without_its_script_it_goes_on(screen: RedisCustomerScreen, redis_server: RedisServer) -> None:
    one = Velocity(payments_max=1)
    assert await admitted(screen, asks(1, one))
    async with Redis.from_url(redis_server.url) as redis:
        await redis.script_flush()
    assert not await admitted(screen, asks(2, one))


async def test_while_redis_is_away_everybody_is_let_through_and_the_log_says_so(
    screen: RedisCustomerScreen, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    one = Velocity(payments_max=1)
    await asyncio.to_thread(redis_server.stop)
    try:
        with caplog.at_level(logging.ERROR):
            assert [await admitted(screen, asks(n, one)) for n in range(2)] == [True, True]
        assert caplog.text.count("let through unseen") == 2
    finally:
        await asyncio.to_thread(redis_server.start)
    assert await admitted(screen, asks(3, one))
    assert not await admitted(screen, asks(4, one))


async def test_another_question_is_put_off(screen: RedisCustomerScreen) -> None:
    call = PspCall("k", Operation.READ, "pay_1", "mer_1", AT, ReadIntent("pi_1"))
    assert isinstance(await screen.look(call), Deferred)
