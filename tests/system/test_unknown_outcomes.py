"""Answers of Stripe's that never come, or say nothing: each outcome is known in the end, and money moved once."""

import asyncio
from typing import Any

import pytest

from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.simulator import SimulatorControl
from tests.system.stack import System
from tests.system.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.slow]

CALLS = {"create": "payment_intents.create", "capture": "payment_intents.capture", "refund": "refunds.create"}
SLOW_MS = 4_500  # above the gateway's slot
STRIKES_WITHIN_S = 10.0
FAULTS: dict[str, list[dict[str, Any]]] = {
    "lost once": [{"kind": "lost_answer", "count": 1}],
    "lost beyond a slot": [{"kind": "lost_answer", "count": 12}],
    "half a body": [{"kind": "cut_body", "count": 12}],
    "no JSON": [{"kind": "bad_json", "count": 12}],
    "reset before": [{"kind": "reset", "count": 12}],
    "overloaded": [{"kind": "error_503", "count": 12}],
    "too many": [{"kind": "rate_limit", "count": 12}],
    "locked": [{"kind": "lock_timeout", "count": 6}, {"kind": "conflict", "count": 6}],
    "late": [{"kind": "delay", "ms": SLOW_MS, "count": 3}],
    "held": [{"kind": "delay_before", "ms": SLOW_MS, "count": 2}],
    "an error that had executed": [{"kind": "stored_500", "executed": True, "count": 1}],
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_whatever_stripe_answers_the_end_is_known_and_money_moved_once(
    http: HttpClient, stripe: SimulatorControl, inquest: Inquest, fault: str
) -> None:
    """Creates, captures and refunds at once, so that the waits of all pass together."""
    name = fault.replace(" ", "-")
    held, taken = await asyncio.gather(
        http.create(f"{name}-held", capture_method="manual"), http.create(f"{name}-taken")
    )
    await stripe.plan(*({**rule, "endpoint": call} for rule in FAULTS[fault] for call in CALLS.values()))
    made, captured, refunded = await asyncio.gather(
        http.create(f"{name}-new", wait_s=1),
        http.capture(held.payment_id, f"{name}-capture", wait_s=1, amount=1000),
        http.refund(taken.payment_id, f"{name}-refund", wait_s=1, amount=700),
    )
    assert {each.outcome for each in (made, captured, refunded)} == {"ok"}
    await inquest.hold()
    assert await stripe.hits() >= len(CALLS)
    for payment_id, member, amount in (
        (made.payment_id, "amount_captured", 1999),
        (held.payment_id, "amount_captured", 1000),
        (taken.payment_id, "amount_refunded", 700),
    ):
        assert (await http.get(f"/v1/payments/{payment_id}"))[1][member] == amount


@pytest.mark.parametrize("kind", ["crash_before", "crash_after"])
async def test_stripe_that_dies_in_the_midst_of_a_call_has_charged_once(
    system: System, http: HttpClient, stripe: SimulatorControl, inquest: Inquest, kind: str
) -> None:
    await stripe.plan({"kind": kind, "endpoint": CALLS["create"], "count": 1})
    asked = asyncio.create_task(http.create(kind, wait_s=1))
    await until(lambda: not system.stripe.is_ready(), STRIKES_WITHIN_S, "Stripe is gone")
    await asyncio.to_thread(system.stripe.start)
    made = await asked
    await inquest.hold()
    assert (await http.get(f"/v1/payments/{made.payment_id}"))[1]["status"] == "captured"
