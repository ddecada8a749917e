"""Each rule of the idempotency layer, over raw HTTP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.sandbox.stripe_simulator.conftest import Raw

DAY_S = 86_400


async def charges(raw: Raw) -> int:
    found = await raw.sim("ledger?kind=charge")
    return sum(entry["outcome"] == "succeeded" for entry in found["entries"])


async def test_the_first_answer_is_replayed_and_nothing_is_charged_twice(raw: Raw) -> None:
    first = await raw.pay("k1")
    again = await raw.pay("k1")
    assert first[:2] == again[:2] and first[0] == 200
    assert "idempotent-replayed" not in first[2] and again[2]["idempotent-replayed"] == "true"
    assert again[2]["original-request"] == first[2]["request-id"] != again[2]["request-id"]
    assert await charges(raw) == 1


async def test_parameters_in_another_order_are_the_same_parameters(raw: Raw) -> None:
    one = "amount=700&currency=usd&metadata[a]=1&metadata[b]=2"
    other = "metadata[b]=2&currency=usd&metadata[a]=1&amount=700"
    first = await raw.post("/v1/payment_intents", one, "k1")
    again = await raw.post("/v1/payment_intents", other, "k1")
    assert first[1] == again[1]


async def test_a_decline_is_stored_and_replayed(raw: Raw) -> None:
    first = await raw.pay("k1", payment_method="pm_card_chargeDeclined")
    again = await raw.pay("k1", payment_method="pm_card_chargeDeclined")
    assert first[0] == again[0] == 402 and first[1] == again[1]
    assert (await raw.sim("ledger"))["total"] == 1


async def test_the_same_key_with_other_parameters_is_an_idempotency_error(raw: Raw) -> None:
    await raw.pay("k1")
    status, body, _ = await raw.pay("k1", amount="2000")
    assert (status, body["error"]["type"]) == (400, "idempotency_error")
    assert await charges(raw) == 1
    assert (await raw.sim("requests"))["mismatched_keys"] == ["k1"]


async def test_the_same_key_on_another_endpoint_is_refused(raw: Raw) -> None:
    _, intent, _ = await raw.pay("k1")
    status, body, _ = await raw.post("/v1/refunds", {"payment_intent": intent["id"]}, "k1")
    assert (status, body["error"]["type"]) == (400, "idempotency_error")
    _, held, _ = await raw.pay(None, capture_method="manual")
    path = f"/v1/payment_intents/{held['id']}"
    assert (await raw.post(f"{path}/cancel", {}, "k2"))[0] == 200
    status, body, _ = await raw.post(f"{path}/capture", {}, "k2")  # the same (no) parameters
    assert (status, body["error"]["type"]) == (400, "idempotency_error")


async def test_a_key_in_flight_answers_409_and_executes_once(raw: Raw) -> None:
    await raw.sim("faults", {"kind": "delay_before", "ms": 300, "count": 1})
    answers = await asyncio.gather(*(raw.pay("k1") for _ in range(5)))
    assert sorted(status for status, _, _ in answers) == [200, 409, 409, 409, 409]
    busy = next(answer for answer in answers if answer[0] == 409)
    assert busy[1]["error"]["code"] == "idempotency_key_in_use"
    assert busy[2]["stripe-should-retry"] == "true"
    assert (await raw.pay("k1"))[0] == 200
    assert await charges(raw) == 1


async def test_nothing_is_stored_if_validation_failed(raw: Raw) -> None:
    assert (await raw.pay("k1", currency="xxx"))[0] == 400
    assert (await raw.pay("k1"))[0] == 200


async def test_a_refusal_by_the_state_is_stored(raw: Raw) -> None:
    _, intent, _ = await raw.pay()
    path = f"/v1/payment_intents/{intent['id']}/capture"
    first = await raw.post(path, {}, "k1")
    assert first[1]["error"]["code"] == "payment_intent_unexpected_state"
    assert first[1]["error"]["payment_intent"]["status"] == "succeeded"
    assert (await raw.post(path, {}, "k1"))[2]["idempotent-replayed"] == "true"


async def test_401_and_429_come_before_the_key(raw: Raw) -> None:
    plan = [{"kind": "unauthorized", "count": 1}, {"kind": "rate_limit", "count": 1}]
    await raw.sim("faults", {"rules": plan})
    assert [(await raw.pay("k1"))[0] for _ in range(3)] == [401, 429, 200]


async def test_an_executed_500_is_stored_and_cannot_be_retried_through(raw: Raw) -> None:
    await raw.sim("faults", {"kind": "stored_500", "count": 1})
    first, again = await raw.pay("k1"), await raw.pay("k1")
    assert first[0] == again[0] == 500 and first[1] == again[1]
    assert await charges(raw) == 1


async def test_a_500_that_executed_nothing_is_stored_too(raw: Raw) -> None:
    await raw.sim("faults", {"kind": "stored_500", "executed": False, "count": 1})
    assert [(await raw.pay("k1"))[0] for _ in range(2)] == [500, 500]
    assert await charges(raw) == 0
    assert (await raw.pay("k2"))[0] == 200


async def test_keys_are_pruned_after_24_hours_and_a_reuse_is_a_new_request(raw: Raw) -> None:
    first = await raw.pay("k1")
    await raw.sim("clock", {"advance_s": DAY_S - 60})
    assert (await raw.pay("k1"))[1] == first[1]
    await raw.sim("clock", {"advance_s": 120})
    assert (await raw.pay("k1"))[1]["id"] != first[1]["id"]
    assert await charges(raw) == 2
    stale = (await raw.sim("requests"))["stale_keys"]
    assert [use["key"] for use in stale] == ["k1", "k1"]  # both were older than 23 hours


async def test_a_key_is_one_accounts_own(raw: Raw) -> None:
    first = await raw.pay("k1")
    form = {"amount": "700", "currency": "usd"}
    other = await raw.post("/v1/payment_intents", form, "k1", Authorization="Bearer sk_test_beta")
    connected = await raw.post("/v1/payment_intents", form, "k1", **{"Stripe-Account": "acct_connected"})
    assert other[0] == connected[0] == 200 and other[1]["id"] != connected[1]["id"]
    assert (await raw.get(f"/v1/payment_intents/{first[1]['id']}", Authorization="Bearer sk_test_beta"))[
        0
    ] == 404


async def test_a_key_of_more_than_255_characters_is_refused(raw: Raw) -> None:
    assert (await raw.pay("k" * 255))[0] == 200
    assert (await raw.pay("k" * 256))[0] == 400


async def test_gets_ignore_keys(raw: Raw) -> None:
    assert (await raw.get("/v1/payment_intents", **{"Idempotency-Key": "k1"}))[0] == 200
    assert (await raw.pay("k1"))[0] == 200
