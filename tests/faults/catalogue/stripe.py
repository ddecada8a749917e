"""F9, F10, F12: Stripe fails, is late, forgets to answer; its notices come in any order and number, or are not its own."""

import asyncio
import json
import time
from typing import Any
from uuid import uuid4

from tests.faults.catalogue.fault import fault
from tests.faults.catalogue.person import comes_to, says_that_it_never_was
from tests.faults.world import World
from tests.system.signing import canceled_notice, signed, succeeded_notice
from tests.system.stack import OWN_WEBHOOK_SECRET

FOR_S = (6.0, 10.0)
IN_DOUBT_S = (13.0, 17.0)  # longer than the slot of a call, or its closing look would not be in vain
LATE_MS = 80_000
LOOKS = "payment_intents.[slr]*"  # search, list, retrieve
ERRORS: tuple[dict[str, Any], ...] = (
    {"kind": "rate_limit"},
    {"kind": "lock_timeout"},
    {"kind": "conflict"},
    {"kind": "stored_500", "executed": True},
    {"kind": "error_503"},
    {"kind": "cut_body"},
    {"kind": "bad_json"},
    {"kind": "reset"},
)
PART = 0.3  # of the requests
FORGED_EVERY_S = 0.5


@fault(
    "F9",
    "Stripe charges, and the answer is lost or 80 s late; notices are late, too, and most looks are in vain",
)
async def answer_lost(world: World) -> None:
    """Where a notice or a look tells of the charge at once, nothing rests on the key."""
    await world.stripe.plan(
        {"kind": "lost_answer", "endpoint": LOOKS, "probability": 0.95},
        {"kind": "webhook_delay", "seconds": 12.0, "probability": 0.9},
        {"kind": "lost_answer", "probability": PART},
        {"kind": "delay", "ms": LATE_MS, "probability": 0.25},
    )
    await world.pause(*IN_DOUBT_S)
    await world.stripe.forget_faults()
    world.strike()


@fault("F10", "Stripe answers 429, 409, 500, 503, half a body, no JSON, or resets")
async def errors(world: World) -> None:
    some = world.random.sample(ERRORS, 4)
    world.notes["errors"] = [rule["kind"] for rule in some]
    await world.stripe.plan(*({**rule, "probability": PART / 2} for rule in some))
    lost = await _answered_for_good_with_500(world)
    await world.pause(*FOR_S)
    await world.stripe.forget_faults()
    world.strike()
    await says_that_it_never_was(world, lost)


async def _answered_for_good_with_500(world: World) -> str:
    """Nothing was executed, and Stripe will say so under that key for ever: only a person can tell what came of it."""
    key = f"stored-{uuid4().hex}"
    payment = world.http.payment_id(key)
    await world.stripe.plan({"kind": "stored_500", "executed": False, "payment": payment})
    await world.http.create(key, wait_s=1)
    await comes_to(world, payment, "unknown")
    return payment


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
    late = asyncio.create_task(_refunded_in_vain(world))
    while time.monotonic() < ends:
        await _forge(world)
        await _lie(world)
        await asyncio.sleep(FORGED_EVERY_S)
    await late
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


async def _lie(world: World) -> None:
    """Whoever holds one account may say what they like, and it is signed; of another account's payment it means nothing."""
    waiting = [each for each in world.history.accepted() if each.answer.get("status") == "requires_action"]
    if not waiting:
        return
    victim = world.random.choice(waiting[-20:])
    body = succeeded_notice(victim.payment_id, victim.merchant, victim.answer)
    status, _, _ = await world.http.once("POST", "/webhooks/stripe", signed(body, OWN_WEBHOOK_SECRET), body)
    if status not in (200, 503):
        world.history.wrong.append(f"I9 a notice of another account was answered with {status}")


async def _refunded_in_vain(world: World) -> None:
    """A refund that has succeeded, and fails later: the money is there again."""
    key = f"in-vain-{uuid4().hex}"
    paid = await world.http.create(key, amount=3000, payment_method="pm_card_refundFail")
    await world.http.refund(paid.payment_id, f"{key}-refund", amount=1200)
