"""Rate limits: off at first, then token buckets per account and endpoint, refilled by the simulator's time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import stripe

from sandbox.stripe_simulator.limits import Limits

if TYPE_CHECKING:
    from tests.sandbox.stripe_simulator.conftest import Raw

SLOW = 0.001  # tokens per second: none comes back while a test runs


async def statuses(raw: Raw, times: int, path: str = "/v1/payment_intents", **headers: str) -> list[int]:
    return [(await raw.get(path, **headers))[0] for _ in range(times)]


async def test_there_are_no_limits_until_they_are_switched_on(raw: Raw) -> None:
    assert (await raw.sim("limits"))["enabled"] is False
    assert set(await statuses(raw, 150)) == {200}


async def test_switched_on_they_are_stripes_defaults(raw: Raw) -> None:
    assert await raw.sim("limits", {}) == {"enabled": True, "account_per_s": 100.0, "endpoint_per_s": 25.0}


async def test_an_endpoint_above_its_rate_answers_429_and_the_others_go_on(
    raw: Raw, sdk: stripe.StripeClient
) -> None:
    await raw.sim("limits", {"account_per_s": None, "endpoint_per_s": SLOW})
    assert await statuses(raw, 3) == [200, 429, 429]
    with pytest.raises(stripe.RateLimitError) as caught:
        await sdk.v1.payment_intents.list_async()
    assert caught.value.error is not None and caught.value.error.code == "rate_limit"
    assert caught.value.headers is not None
    headers = {name.lower(): value for name, value in caught.value.headers.items()}
    assert headers["stripe-rate-limited-reason"] == "endpoint-rate"
    assert await statuses(raw, 1, "/v1/refunds") == [200]
    assert (await raw.sim("requests"))["endpoints"]["payment_intents.list"] == {
        "total": 4,
        "200": 1,
        "429": 3,
    }


async def test_ids_share_an_endpoint(raw: Raw) -> None:
    first, second = [(await raw.pay())[1]["id"] for _ in range(2)]
    await raw.sim("limits", {"endpoint_per_s": SLOW})
    assert await statuses(raw, 1, f"/v1/payment_intents/{first}") == [200]
    assert await statuses(raw, 1, f"/v1/payment_intents/{second}") == [429]


async def test_an_account_above_its_rate_is_limited_on_every_endpoint_and_alone(raw: Raw) -> None:
    await raw.sim("limits", {"account_per_s": SLOW, "endpoint_per_s": None})
    assert await statuses(raw, 1) == [200]
    status, _, headers = await raw.pay("k1")
    assert (status, headers["stripe-rate-limited-reason"]) == (429, "global-rate")
    assert await statuses(raw, 1, Authorization="Bearer sk_test_beta") == [200]
    assert await statuses(raw, 1, **{"Stripe-Account": "acct_connected"}) == [200]


async def test_a_limited_request_executed_nothing_and_left_its_key_fresh(raw: Raw) -> None:
    await raw.pay()
    await raw.sim("limits", {"endpoint_per_s": SLOW})
    assert [(await raw.pay(key))[0] for key in ("k1", "k2")] == [200, 429]
    assert len((await raw.sim("ledger?kind=charge"))["entries"]) == 2
    await raw.sim("limits", method="DELETE")
    status, _, headers = await raw.pay("k2")
    assert status == 200 and "idempotent-replayed" not in headers


async def test_time_fills_the_bucket_again(raw: Raw) -> None:
    await raw.sim("limits", {"endpoint_per_s": 0.1})
    assert await statuses(raw, 2) == [200, 429]
    await raw.sim("clock", {"advance_s": 11})
    assert await statuses(raw, 2) == [200, 429]


@pytest.mark.parametrize(
    "asked",
    [{"endpoint_per_s": 0}, {"account_per_s": "many"}, {"account_per_s": True}, {"per_minute": 3}],
)
async def test_a_limit_that_is_none_is_refused(raw: Raw, asked: dict[str, Any]) -> None:
    async with raw.session.post(f"{raw.url}/_sim/limits", json=asked) as answer:
        assert answer.status == 400
    assert (await raw.sim("limits"))["enabled"] is False


def test_over_a_minute_the_rate_is_kept_and_a_burst_is_one_second() -> None:
    limits = Limits()
    limits.set(100.0, 25.0)
    passed = sum(limits.take("acct", "create", tick / 100) is None for tick in range(6_000))
    assert 25 * 60 <= passed <= 25 * 61
    limits.set(100.0, 25.0)
    assert [limits.take("acct", "create", 0.0) for _ in range(26)].count(None) == 25


def test_a_refused_request_costs_no_token() -> None:
    limits = Limits()
    limits.set(2.0, 1.0)
    assert limits.take("acct", "create", 0.0) is None
    assert limits.take("acct", "create", 0.0) == "endpoint-rate"
    assert limits.take("acct", "capture", 0.0) is None
    assert limits.take("acct", "refund", 0.0) == "global-rate"


def test_a_clock_that_goes_back_gives_and_takes_nothing() -> None:
    limits = Limits()
    limits.set(None, 2.0)
    assert [limits.take("acct", "create", at) for at in (100.0, 50.0, 50.0)] == [None, None, "endpoint-rate"]
