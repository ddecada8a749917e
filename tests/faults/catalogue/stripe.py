"""F9, F10, F12: Stripe fails, is late, forgets to answer; its notices come in any order and number, or are not its own."""

import asyncio
import time
from collections.abc import Callable
from itertools import cycle
from typing import Any

import aiohttp

from tests.faults.catalogue.fault import fault, together
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
KINDS_AT_ONCE = 4
SOME = tuple((ERRORS * 2)[first : first + KINDS_AT_ONCE] for first in range(len(ERRORS)))
PART = 0.3  # of the requests
FORGED_EVERY_S = 0.5
NOT_NOW = (503, None)  # of a door that is away, or cannot keep what it is told


@fault(
    "F9",
    "Stripe charges, and the answer is lost or 80 s late; notices are late, too, and most looks are in vain",
)
async def answer_lost(world: World) -> None:
    """Where a notice or a look tells of the charge at once, nothing rests on the key."""
    async with world.at_stripe(
        {"kind": "lost_answer", "endpoint": LOOKS, "probability": 0.95},
        {"kind": "webhook_delay", "seconds": 12.0, "probability": 0.9},
        {"kind": "lost_answer", "probability": PART},
        {"kind": "delay", "ms": LATE_MS, "probability": 0.25},
    ):
        await world.pause(*IN_DOUBT_S)
    world.strike()


@fault("F10", "Stripe answers 429, 409, 500, 503, half a body, no JSON, or resets")
async def errors(world: World) -> None:
    """That nothing was executed, and 500 is stored all the same, is settled by a person a day later: F11."""
    some = world.turn(SOME)
    async with world.at_stripe(*({**rule, "probability": PART / 2} for rule in some)):
        await world.pause(*FOR_S)
    world.strike()


@fault(
    "F12",
    "notices thrice, shuffled, before the answer, seconds late; and forged ones, old ones, of the future, of another account",
)
async def notices(world: World) -> None:
    """None is days late: the service would have to be days older than what it is told of."""
    async with world.at_stripe(
        {"kind": "webhook_duplicate", "n": 3, "probability": 0.5},
        {"kind": "webhook_twin", "probability": 0.3},
        {"kind": "webhook_shuffle", "seconds": 5.0, "probability": 0.5},
        {"kind": "webhook_delay", "seconds": 3.0, "probability": 0.2},
        {"kind": "delay", "ms": 700, "probability": 0.3},  # so that the notice is first
    ):
        for_s = world.random.uniform(*FOR_S)
        await together(_forging(world, for_s), _refunded_in_vain(world))
    world.strike()


async def _forging(world: World, for_s: float) -> None:
    ends, forged, lied = time.monotonic() + for_s, 0, 0
    for way in cycle(FORGERIES):
        forged += await _forge(world, way)
        lied += await _lie(world)
        if time.monotonic() > ends:
            break
        await asyncio.sleep(FORGED_EVERY_S)
    world.note("forged", forged)
    world.note("of another account", lied)


FORGERIES: tuple[Callable[[bytes], dict[str, str]], ...] = (
    lambda body: {},
    lambda body: {"Stripe-Signature": "t=1,v1=00"},
    lambda body: signed(body, "whsec_another"),
    lambda body: signed(body + b" "),
    lambda body: signed(body, at=time.time() - 3600),
    lambda body: signed(body, at=time.time() + 3600),
)
"""The headers of a body that Stripe has not sent, or not now."""


async def _forge(world: World, way: Callable[[bytes], dict[str, str]]) -> int:
    """Each must be turned away, and change nothing. How many were."""
    paid = [
        each for each in world.history.accepted() if each.type == "create" and each.answer.get("provider")
    ]
    if not paid:
        return 0
    victim = world.random.choice(paid[-20:])
    intent = victim.answer["provider"]["payment_intent"]
    body = canceled_notice(victim.payment_id, victim.merchant, intent or "pi_none")
    answers = [await _told(world, way(body), body, door) for door in range(len(world.http.doors))]
    for status in answers:
        if status not in (400, *NOT_NOW):
            world.history.wrong.append(f"I8 a forged notice was answered with {status}")
    return answers.count(400)


async def _lie(world: World) -> int:
    """Whoever holds one account may say what they like, and it is signed; of another account's payment it means nothing.

    How many were taken.
    """
    waiting = [each for each in world.history.accepted() if each.answer.get("status") == "requires_action"]
    if not waiting:
        return 0
    victim = world.random.choice(waiting[-20:])
    body = succeeded_notice(victim.payment_id, victim.merchant, victim.answer)
    status = await _told(world, signed(body, OWN_WEBHOOK_SECRET), body)
    if status not in (200, *NOT_NOW):
        world.history.wrong.append(f"I9 a notice of another account was answered with {status}")
    return status == 200


async def _told(world: World, headers: dict[str, str], body: bytes, door: int = 0) -> int | None:
    """The status; None where no answer came."""
    try:
        status, _, _ = await world.http.once("POST", "/webhooks/stripe", headers, body, door)
    except (aiohttp.ClientError, OSError, TimeoutError):
        return None
    return status


async def _refunded_in_vain(world: World) -> None:
    """A refund that has succeeded, and fails later: the money is there again."""
    key = world.key("in-vain")
    paid = await world.http.create(key, amount=3000, payment_method="pm_card_refundFail")
    await world.http.refund(paid.payment_id, f"{key}-refund", amount=1200)
