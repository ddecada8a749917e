"""Rate limits at the door: what is told of them, who is refused, and who is not."""

import asyncio

import pytest

from tests.web.fakes import PAYMENT, open_door
from tests.web.service import KEY, OTHER_KEY, READ_ONLY_KEY, Service
from web.rate_limits import Allowance

TIGHT = Allowance(key_per_s=10.0, merchant_per_s=15.0)
"""Ten and fifteen units at once: two payments for a key, three for its merchant."""
SLOW = Allowance(key_per_s=0.5, merchant_per_s=0.75)
"""The same, `slowly`."""


@pytest.mark.usefixtures("slowly")
async def test_what_is_left_is_told_in_every_answer() -> None:
    async with open_door(allowance=SLOW) as door:
        made = await door.post("/v1/payments", PAYMENT, "a")
        assert made.headers["RateLimit-Policy"] == '"key";q=10;w=20, "merchant";q=15;w=20'
        assert made.headers["RateLimit"].startswith('"key";r=5;t=10, "merchant";r=10;t=7')
        missing = await door.get("/v1/payments/pay_" + "0" * 32)
        assert missing.status == 404
        assert missing.headers["RateLimit"].startswith('"key";r=4')


async def test_who_has_no_place_is_turned_away_and_nothing_is_counted() -> None:
    async with open_door(allowance=TIGHT, open_of_one_max=0) as door:
        for _ in range(3):
            refused = await door.post("/v1/payments", PAYMENT, "a")
            assert (refused.status, refused.body["code"]) == (429, "rate_limited")
            assert refused.headers["Retry-After"] == "1" and "RateLimit" not in refused.headers
        read = await door.get("/v1/payments")
        assert read.headers["RateLimit-Policy"] == '"key";q=10;w=1, "merchant";q=15;w=1'
        assert read.headers["RateLimit"].startswith('"key";r=8;t=1, "merchant";r=13;t=1')


async def test_a_key_that_asks_for_too_much_is_told_when_to_come_again() -> None:
    async with open_door(allowance=TIGHT) as door:
        answers = [await door.post("/v1/payments", PAYMENT, f"k{n}") for n in range(3)]
        assert [each.status for each in answers] == [201, 201, 429]
        refused = answers[2]
        assert (refused.body["code"], refused.body["retryable"]) == ("rate_limited", True)
        assert refused.headers["Retry-After"] == "1"
        assert len(door.service.appended) == 2
        assert door.count("millrace_rate_limited_total", limit="key") == 1
        await asyncio.sleep(1.05)
        assert (await door.post("/v1/payments", PAYMENT, "k2")).status == 201


@pytest.mark.usefixtures("slowly")
async def test_a_merchants_keys_share_what_it_has_and_others_are_not_concerned() -> None:
    async with open_door(allowance=SLOW) as door:
        for n in range(2):
            await door.post("/v1/payments", PAYMENT, f"k{n}")
        read = [await door.get("/v1/payments", key=READ_ONLY_KEY) for _ in range(4)]
        assert [each.status for each in read] == [200, 200, 429, 429]
        assert door.count("millrace_rate_limited_total", limit="merchant") == 2
        assert (await door.post("/v1/payments", PAYMENT, "k", key=OTHER_KEY)).status == 201


@pytest.mark.usefixtures("slowly")
async def test_a_repeated_request_is_counted_too() -> None:
    async with open_door(allowance=SLOW) as door:
        said = [(await door.post("/v1/payments", PAYMENT, "same")).status for _ in range(3)]
        assert said == [201, 201, 429]


async def test_stripes_door_health_and_documents_are_not_limited() -> None:
    async with open_door(allowance=Allowance(0.5, 0.5)) as door:
        assert (await door.post("/v1/payments", PAYMENT)).status == 201
        assert (await door.post("/v1/payments", PAYMENT)).status == 429
        for _ in range(20):
            notice = await door.ask(
                "POST", "/webhooks/stripe", b"pi_1", key=KEY, Stripe_Signature="t=1,v1=good"
            )
            assert notice.status == 200
            assert "RateLimit" not in notice.headers
            for path in ("/livez", "/readyz", "/metrics", "/openapi.json"):
                assert (await door.get(path)).status == 200


async def test_what_is_left_to_one_is_not_told_to_the_next_on_the_same_connection() -> None:
    async with open_door(allowance=TIGHT) as door:
        assert "RateLimit" in (await door.get("/v1/payments")).headers
        assert "RateLimit" not in (await door.get("/v1/payments", key=None)).headers


async def test_no_limit_is_told_where_none_is_set() -> None:
    async with open_door(Service(), allowance=Allowance(0, 0)) as door:
        answers = [await door.get("/v1/payments") for _ in range(50)]
        assert all(each.status == 200 and "RateLimit" not in each.headers for each in answers)


@pytest.mark.usefixtures("slowly")
async def test_what_a_query_takes_is_told_and_taken() -> None:
    """Each field by itself, and what it shows: else one unit would buy a tenth of a second of everybody's time."""
    async with open_door(allowance=Allowance(key_per_s=5.0, merchant_per_s=0)) as door:
        asked = {"query": "{ a: payments { edges { cursor } } b: payments { edges { cursor } } }"}
        told = await door.ask("POST", "/graphql", asked)
        assert told.headers["RateLimit"].startswith('"key";r=95;')
        asked = {"query": "{ __schema { types { name } } }"}
        answers = [await door.ask("POST", "/graphql", asked) for _ in range(3)]
        assert ["errors" in each.body for each in answers] == [False, False, True]
        assert answers[2].body["errors"][0]["extensions"]["code"] == "rate_limited"
