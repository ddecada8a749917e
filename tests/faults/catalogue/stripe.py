"""F9, F10, F12: Stripe fails, is late, forgets to answer; its notices come in any order and number, or are not its own."""

import asyncio
import json
import time
from typing import Any

from tests.faults.catalogue.fault import fault
from tests.faults.world import World
from tests.system.signing import canceled_notice, signed

FOR_S = (6.0, 10.0)
LATE_MS = 80_000
ERRORS: tuple[dict[str, Any], ...] = (
    {"kind": "rate_limit"},
    {"kind": "lock_timeout"},
    {"kind": "conflict"},
    {"kind": "stored_500", "executed": True},
    {"kind": "stored_500", "executed": False},
    {"kind": "error_503"},
    {"kind": "cut_body"},
    {"kind": "bad_json"},
    {"kind": "reset"},
)
PART = 0.3  # of the requests
FORGED_EVERY_S = 0.5


@fault("F9", "Stripe charges, and the answer is lost or 80 s late")
async def answer_lost(world: World) -> None:
    await world.stripe.plan(
        {"kind": "lost_answer", "probability": PART}, {"kind": "delay", "ms": LATE_MS, "probability": 0.15}
    )
    await world.pause(*FOR_S)
    await world.stripe.forget_faults()
    world.strike()


@fault("F10", "Stripe answers 429, 409, 500, 503, half a body, no JSON, or resets")
async def errors(world: World) -> None:
    some = world.random.sample(ERRORS, 4)
    world.notes["errors"] = [rule["kind"] for rule in some]
    await world.stripe.plan(*({**rule, "probability": PART / 2} for rule in some))
    await world.pause(*FOR_S)
    await world.stripe.forget_faults()
    world.strike()


@fault(
    "F12",
    "notices thrice, shuffled, before the answer, late; and forged ones, old ones, of the future, of another account",
)
async def notices(world: World) -> None:
    await world.stripe.plan(
        {"kind": "webhook_duplicate", "n": 3, "probability": 0.5},
        {"kind": "webhook_twin", "probability": 0.3},
        {"kind": "webhook_shuffle", "seconds": 5.0, "probability": 0.5},
        {"kind": "webhook_delay", "seconds": 3.0, "probability": 0.2},
        {"kind": "delay", "ms": 700, "probability": 0.3},  # so that the notice is first
    )
    ends = time.monotonic() + world.random.uniform(*FOR_S)
    while time.monotonic() < ends:
        await _forge(world)
        await asyncio.sleep(FORGED_EVERY_S)
    await world.stripe.forget_faults()
    world.strike()


async def _forge(world: World) -> None:
    """Each must be turned away, and change nothing."""
    paid = [
        each for each in world.history.accepted() if each.type == "create" and each.answer.get("provider")
    ]
    if not paid:
        return
    victim = world.random.choice(paid[-20:])
    intent = victim.answer["provider"]["payment_intent"]
    body = canceled_notice(victim.payment_id, victim.merchant, intent or "pi_none")
    forged: list[dict[str, str]] = [
        {},
        {"Stripe-Signature": "t=1,v1=00"},
        signed(body, "whsec_another"),
        signed(body + b" "),
        signed(body, at=time.time() - 3600),
        signed(body, at=time.time() + 3600),
    ]
    headers = world.random.choice(forged)
    for door in range(len(world.http.doors)):
        status, _, answer = await world.http.once("POST", "/webhooks/stripe", headers, body, door)
        if status not in (400, 503):
            world.history.wrong.append(f"I8 a forged notice was answered with {status}: {json.loads(answer)}")
