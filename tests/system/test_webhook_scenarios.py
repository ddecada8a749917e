"""Stripe's webhooks at the door's edges: secrets being rolled, times just within reach, types nobody knows, skipped steps."""

import asyncio
import json
import time
from collections import Counter
from typing import Any

import pytest

from tests.system.history import Operation
from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.signing import notice, signed
from tests.system.simulator import SimulatorControl
from tests.system.stack import ROLLED_SECRET, STRIPE_KEY, WEBHOOK_SECRET
from tests.system.watching import becomes, types

pytestmark = pytest.mark.real

NEARLY_S = 280
"""Of the 300 s that a signature may be off: a busy machine reads it later."""


async def test_a_notice_is_stripes_under_either_secret_and_within_five_minutes(
    http: HttpClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    """What no webhook of the simulator's own told is told by hand, each time in another way."""
    ways: list[dict[str, Any]] = [
        {"secrets": [ROLLED_SECRET]},
        {"secrets": ["whsec_of_somebody_else", ROLLED_SECRET]},
        {"secrets": [WEBHOOK_SECRET, ROLLED_SECRET]},
        {"secrets": [], "at": time.time() - NEARLY_S},
        {"secrets": [], "at": time.time() + NEARLY_S},
    ]
    await stripe.plan({"kind": "webhook_drop"})

    async def told_by_hand(number: int, secrets: list[str], at: float | None = None) -> None:
        made, body = await _paid_unheard(http, stripe, f"edge-{number}")
        assert (await http.once("POST", "/webhooks/stripe", signed(body, *secrets, at=at), body))[0] == 200
        await becomes(http, made, status="captured")

    await asyncio.gather(*(told_by_hand(number, **way) for number, way in enumerate(ways)))
    await stripe.forget_faults()
    await inquest.hold()


async def test_a_type_that_nobody_knows_is_taken_and_changes_nothing(
    http: HttpClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    await stripe.plan({"kind": "webhook_drop"})
    made, body = await _paid_unheard(http, stripe, "unheard-of")
    shown = json.loads(body)["data"]["object"]
    for type in ("payment_intent.teleported", "charge.captured", "payment_intent.created", "v2.core.event"):
        strange = notice(f"evt_{type}", type, shown)
        assert (await http.once("POST", "/webhooks/stripe", signed(strange), strange))[0] == 200
    status, payment = await http.get(f"/v1/payments/{made.payment_id}")
    assert (status, payment["status"], payment["sequence"]) == (200, "requires_action", 2)
    await http.once("POST", "/webhooks/stripe", signed(body), body)
    await becomes(http, made, status="captured")
    await stripe.forget_faults()
    await inquest.hold()


async def test_the_same_event_and_its_twin_are_heard_once(
    http: HttpClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    await stripe.plan({"kind": "webhook_drop"})
    made, body = await _paid_unheard(http, stripe, "twins")
    twin = json.dumps({**json.loads(body), "id": "evt_twin"}).encode()
    sent = [
        http.once("POST", "/webhooks/stripe", signed(each), each, n % 2)
        for n in range(3)
        for each in (body, twin)
    ]
    assert {status for status, _, _ in await asyncio.gather(*sent)} == {200}
    await becomes(http, made, status="captured")
    await stripe.forget_faults()
    await inquest.hold()
    assert Counter(await types(http, made))["payment.captured.v1"] == 1


async def test_what_somebody_did_at_stripe_by_hand_is_looked_at_and_not_guessed(
    http: HttpClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    """A capture that nobody asked for here: the notice says so, and what a look at Stripe shows counts."""
    held = await http.create("by-hand", capture_method="manual")
    intent = held.answer["provider"]["payment_intent"]
    await stripe.ask_stripe(
        "POST", f"/v1/payment_intents/{intent}/capture", STRIPE_KEY, amount_to_capture="700"
    )
    seen = await becomes(http, held, status="captured")
    assert (seen["amount_captured"], seen["amount_refundable"]) == (700, 700)
    await inquest.hold()
    story = await types(http, held)
    assert story.index("payment.read_requested.v1") < story.index("payment.captured.v1")


async def _paid_unheard(http: HttpClient, stripe: SimulatorControl, key: str) -> tuple[Operation, bytes]:
    """A payment whose customer has acted, which only Stripe knows; and the notice that would tell of it."""
    made = await http.create(key, payment_method="pm_card_authenticationRequired")
    intent = made.answer["provider"]["payment_intent"]
    await stripe.authenticate(intent, "succeed")
    path = "/v1/events?type=payment_intent.succeeded&limit=100"
    _, events = await stripe.ask_stripe("GET", path, STRIPE_KEY)
    event = next(each for each in events["data"] if each["data"]["object"]["id"] == intent)
    return made, json.dumps(event).encode()
