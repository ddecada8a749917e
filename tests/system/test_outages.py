"""PostgreSQL, Redis, Kafka and Stripe, each gone for ten seconds under load, and killed and back at once: payments go on."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from sandbox.testing import Killable
from tests.system.history import Attempt, History
from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.load import Load
from tests.system.stack import System
from tests.system.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(240)]

OUTAGE_S = 10.0
SAYS_NO_WITHIN_S = 5.0
BACK_WITHIN_S = 25.0  # the broker's own start, a session's time-out, and a restart of what gave up
FLOWS_AFTER = 10  # accepted commands before anything is taken away


@asynccontextmanager
async def _gone(server: Killable, how: str, history: History) -> AsyncIterator[float]:
    """Gone for the block or ten seconds, whichever is longer; the moment since which it was gone."""
    flowing = len(history.accepted()) + FLOWS_AFTER
    await until(lambda: len(history.accepted()) >= flowing, BACK_WITHIN_S, "the load flows")
    await asyncio.to_thread(getattr(server, how))
    since = time.monotonic()
    try:
        yield since
        await asyncio.sleep(max(0.0, since + OUTAGE_S - time.monotonic()))
    finally:
        await asyncio.to_thread(server.start)


def _refused(attempts: list[Attempt], before: float) -> list[Attempt]:
    """Those that got no answer, or were told that it is our fault."""
    return [a for a in attempts if a.at < before and (a.status is None or a.status >= 500)]


async def _killed_and_back(server: Killable, history: History) -> None:
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)
    more = len(history.accepted()) + FLOWS_AFTER
    await until(lambda: len(history.accepted()) >= more, BACK_WITHIN_S, "the load flows again")


async def test_payments_go_on_without_postgresql(
    system: System, history: History, http: HttpClient, load: Callable[[int], Load], inquest: Inquest
) -> None:
    async with load(1):
        async with _gone(system.postgres, "stop", history) as since:
            made = await http.create("without-postgresql", amount=1500)
            assert made.status == 201
            for door in range(len(http.doors)):
                status, found = await http.get(f"/v1/payments/{made.payment_id}", door)
                assert (status, found["status"]) == (200, "captured")
        assert not _refused(history.attempts_since(since), time.monotonic())
        await _killed_and_back(system.postgres, history)
    await inquest.hold()


async def test_payments_go_on_without_redis_and_are_read_at_once_at_every_door(
    system: System, history: History, http: HttpClient, load: Callable[[int], Load], inquest: Inquest
) -> None:
    async with load(2):
        async with _gone(system.redis, "stop", history) as since:
            number = 0
            while time.monotonic() < since + OUTAGE_S - 1:
                made = await http.create(f"without-redis-{number}", amount=1500)
                assert made.status == 201
                for door in range(len(http.doors)):
                    status, found = await http.get(f"/v1/payments/{made.payment_id}", door)
                    assert status == 200, f"door {door} does not know {made.payment_id}"
                    assert found["sequence"] >= made.answer["sequence"]
                number += 1
        assert number >= 10
        assert not _refused(history.attempts_since(since), time.monotonic())
        await _killed_and_back(system.redis, history)
    await inquest.hold()


async def test_without_kafka_the_door_says_so_in_time_and_recovers_by_itself(
    system: System, history: History, http: HttpClient, load: Callable[[int], Load], inquest: Inquest
) -> None:
    doors = range(len(http.doors))
    async with load(3):
        async with _gone(system.kafka, "stop", history):
            asked = [_no_at(http, door, number) for door in doors for number in range(2)]
            for attempt in await asyncio.gather(*asked):
                assert attempt.status == 503, attempt
                assert attempt.took_s < SAYS_NO_WITHIN_S + 0.5
            assert all([(await _ready(http, door)) == 503 for door in doors])
        await _all_accept(http)
        await _killed_and_back(system.kafka, history)
    await inquest.hold()


async def test_what_stripe_does_not_answer_is_accepted_and_settled_when_it_is_back(
    system: System, history: History, http: HttpClient, load: Callable[[int], Load], inquest: Inquest
) -> None:
    async with load(4):
        async with _gone(system.stripe, "stop", history) as since:
            made = await http.create("without-stripe", amount=1500, wait_s=2)
            assert made.status == 202
            assert made.headers["Retry-After"]
            status, found = await http.get(f"/v1/payments/{made.payment_id}")
            assert (status, found["status"]) in ((200, "processing"), (200, "unknown"))
        assert not _refused(history.attempts_since(since), time.monotonic())
        await _killed_and_back(system.stripe, history)
    await inquest.hold()
    assert (await http.get(f"/v1/payments/{made.payment_id}"))[1]["status"] == "captured"


async def _no_at(http: HttpClient, door: int, number: int) -> Attempt:
    body = {"amount": 1500, "currency": "usd", "payment_method": "pm_card_visa"}
    return await http.try_once("/v1/payments", f"no-kafka-{door}-{number}", body, door)


async def _ready(http: HttpClient, door: int) -> int:
    return (await http.once("GET", "/readyz", {}, door=door))[0]


async def _all_accept(http: HttpClient) -> None:
    """Each door by itself, without anybody's help."""
    for door in range(len(http.doors)):
        deadline = time.monotonic() + BACK_WITHIN_S
        while (await _no_at(http, door, 9)).status not in (201, 202):
            assert time.monotonic() < deadline, f"door {door} has not recovered"
