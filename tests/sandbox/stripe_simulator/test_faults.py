"""Planned faults, as a client meets them; after each one the same key must find the truth."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import stripe

if TYPE_CHECKING:
    from tests.sandbox.stripe_simulator.conftest import Raw


async def outcomes(raw: Raw) -> list[str]:
    return [entry["outcome"] for entry in (await raw.sim("ledger?kind=charge"))["entries"]]


@pytest.mark.parametrize(
    ("plan", "status", "code", "should_retry"),
    [
        ({"kind": "rate_limit"}, 429, "rate_limit", None),
        ({"kind": "lock_timeout"}, 429, "lock_timeout", "true"),
        ({"kind": "conflict"}, 409, "idempotency_key_in_use", "true"),
        ({"kind": "error_503"}, 503, None, "true"),
        ({"kind": "unauthorized"}, 401, None, None),
        ({"kind": "forbidden"}, 403, "account_invalid", None),
    ],
)
async def test_what_is_not_executed_leaves_the_key_fresh(
    raw: Raw, plan: dict[str, Any], status: int, code: str | None, should_retry: str | None
) -> None:
    await raw.sim("faults", {**plan, "count": 1})
    answer = await raw.pay("k1")
    assert (answer[0], answer[1]["error"].get("code")) == (status, code)
    assert answer[2].get("stripe-should-retry") == should_retry
    assert await outcomes(raw) == []
    answer = await raw.pay("k1")
    assert answer[0] == 200 and "idempotent-replayed" not in answer[2]


@pytest.mark.parametrize("kind", ["lost_answer", "cut_body", "bad_json"])
async def test_an_answer_that_is_lost_was_executed_and_is_replayed(raw: Raw, kind: str) -> None:
    await raw.sim("faults", {"kind": kind, "count": 1})
    with pytest.raises((aiohttp.ClientError, json.JSONDecodeError)):
        await raw.pay("k1")
    assert await outcomes(raw) == ["succeeded"]
    status, _, headers = await raw.pay("k1")
    assert (status, headers["idempotent-replayed"]) == (200, "true")
    assert await outcomes(raw) == ["succeeded"]


@pytest.mark.parametrize("kind", ["lost_answer", "cut_body", "bad_json", "reset"])
async def test_the_sdk_meets_broken_answers_as_errors(sdk: stripe.StripeClient, raw: Raw, kind: str) -> None:
    await raw.sim("faults", {"kind": kind, "count": 1})
    with pytest.raises((stripe.APIConnectionError, stripe.APIError, aiohttp.ClientPayloadError)):
        await sdk.v1.payment_intents.create_async(
            {"amount": 700, "currency": "usd"}, {"idempotency_key": "k1"}
        )
    intent = await sdk.v1.payment_intents.create_async(
        {"amount": 700, "currency": "usd"}, {"idempotency_key": "k1"}
    )
    assert len((await sdk.v1.payment_intents.list_async()).data) == 1
    assert intent.amount == 700


async def test_a_reset_connection_executed_nothing(raw: Raw) -> None:
    await raw.sim("faults", {"kind": "reset", "count": 1})
    with pytest.raises(aiohttp.ClientError):
        await raw.pay("k1")
    assert await outcomes(raw) == []


async def test_a_late_answer_is_executed_at_once_and_can_be_asked_for_again_meanwhile(raw: Raw) -> None:
    await raw.sim("faults", {"kind": "delay", "ms": 60_000, "count": 1})
    with pytest.raises(TimeoutError):
        async with raw.session.post(
            f"{raw.url}/v1/payment_intents",
            data={"amount": "700", "currency": "usd"},
            headers={"Authorization": "Bearer sk_test_alpha", "Idempotency-Key": "k1"},
            timeout=aiohttp.ClientTimeout(total=0.3),
        ):
            pass
    status, _, headers = await raw.post("/v1/payment_intents", {"amount": "700", "currency": "usd"}, "k1")
    assert (status, headers["idempotent-replayed"]) == (200, "true")


async def test_latency_is_the_same_for_everything_and_is_taken_back(raw: Raw) -> None:
    await raw.sim("faults", {"kind": "latency", "ms": 120})
    for call in (raw.pay("k1"), raw.pay("k1"), raw.get("/v1/payment_intents")):
        started = time.monotonic()
        await call
        assert 0.1 < time.monotonic() - started < 5
    await raw.sim("faults", method="DELETE")
    assert (await raw.sim("faults"))["latency"]["ms"] == 0


async def test_a_rule_picks_by_endpoint_payment_key_and_account(raw: Raw) -> None:
    rules = [
        {"kind": "rate_limit", "endpoint": "payment_intents.capture"},
        {"kind": "rate_limit", "payment": "pay_2"},
        {"kind": "rate_limit", "key": "bad:*"},
        {"kind": "rate_limit", "account": "acct_other"},
    ]
    await raw.sim("faults", {"rules": rules})
    _, intent, _ = await raw.pay("k1", capture_method="manual")
    assert (await raw.post(f"/v1/payment_intents/{intent['id']}/capture", {}))[0] == 429
    assert (await raw.pay("k2", **{"metadata[payment_id]": "pay_2"}))[0] == 429
    assert (await raw.pay("bad:1"))[0] == 429
    assert (await raw.get("/v1/payment_intents", **{"Stripe-Account": "acct_other"}))[0] == 429
    assert (await raw.pay("k3"))[0] == 200


async def test_a_rule_on_a_payment_follows_it_to_capture_and_refund(raw: Raw) -> None:
    _, intent, _ = await raw.pay("k1", capture_method="manual")
    await raw.sim("faults", {"kind": "rate_limit", "payment": "pay_1"})
    assert (await raw.post(f"/v1/payment_intents/{intent['id']}/capture", {}))[0] == 429
    assert (await raw.post("/v1/refunds", {"payment_intent": intent["id"]}))[0] == 429


async def test_a_rule_has_a_probability_a_count_and_skips(raw: Raw) -> None:
    await raw.sim("faults", {"rules": [{"kind": "error_503", "probability": 0.5}], "seed": 7})
    statuses = [(await raw.get("/v1/payment_intents"))[0] for _ in range(100)]
    assert 25 < statuses.count(503) < 75
    await raw.sim("faults", {"rules": [{"kind": "error_503", "skip": 2, "count": 1}], "replace": True})
    assert [(await raw.get("/v1/payment_intents"))[0] for _ in range(4)] == [200, 200, 503, 200]
    (rule,) = (await raw.sim("faults"))["rules"]
    assert rule["hits"] == 1
    await raw.sim(f"faults/{rule['id']}", method="DELETE")
    assert (await raw.sim("faults"))["rules"] == []


@pytest.mark.parametrize(
    "plan", [{"kind": "meteor"}, {"kind": "reset", "colour": 1}, {"kind": "reset", "probability": 2}]
)
async def test_a_plan_that_cannot_be_understood_is_refused(raw: Raw, plan: dict[str, Any]) -> None:
    async with raw.session.post(f"{raw.url}/_sim/faults", json=plan) as answer:
        assert answer.status == 400
    assert (await raw.sim("faults"))["rules"] == []


async def test_requests_are_counted_by_endpoint_and_outcome(raw: Raw) -> None:
    await raw.pay("k1")
    await raw.pay("k1")
    await raw.pay("k2", payment_method="pm_card_chargeDeclined")
    counted = (await raw.sim("requests"))["endpoints"]["payment_intents.create"]
    assert counted == {"total": 3, "200": 2, "402": 1, "replayed": 1}
