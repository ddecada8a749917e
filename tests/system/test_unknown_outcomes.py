"""Answers of Stripe's that never come, or say nothing: each outcome is known in the end, and money moved once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest

from tests.system.history import Operation
from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.simulator import SimulatorControl
from tests.system.stack import System
from tests.system.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.slow]

SLOW_MS = 4_500  # above the gateway's slot
PUT_OFF_WITHIN_S = 90.0
STRIKES_WITHIN_S = 10.0
PUT_OFF = {"payment.deferred.v1", "payment.outcome_unknown.v1", "refund.outcome_unknown.v1"}
BESIDE_S = 0.2
FAULTS: dict[str, list[dict[str, Any]]] = {
    "lost once": [{"kind": "lost_answer", "count": 1}],
    "lost again and again": [{"kind": "lost_answer"}],
    "half a body": [{"kind": "cut_body"}],
    "no JSON": [{"kind": "bad_json"}],
    "reset before": [{"kind": "reset"}],
    "overloaded": [{"kind": "error_503"}],
    "too many": [{"kind": "rate_limit"}],
    "locked": [{"kind": "lock_timeout"}],
    "in use": [{"kind": "conflict"}],
    "late": [{"kind": "delay", "ms": SLOW_MS}],
    "held": [{"kind": "delay_before", "ms": SLOW_MS}],
    "an error that had executed": [{"kind": "stored_500", "executed": True, "count": 1}],
}
DARK: list[dict[str, Any]] = [
    {"kind": "lost_answer", "endpoint": "*"},
    {"kind": "webhook_drop", "endpoint": "*"},
]


async def test_whatever_stripe_answers_the_end_is_known_and_money_moved_once(
    http: HttpClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    """All faults side by side, each on payments of its own; they stay until every call came to something or was put off."""
    async with _others_paid(http, "beside"):
        asked = await asyncio.gather(
            *(_create_capture_refund(http, stripe, fault, rules) for fault, rules in FAULTS.items())
        )
        operations = [operation for three in asked for operation in three]
        assert {each.outcome for each in operations} == {"ok"}
        await _until_put_off_or_settled(inquest, operations)

        async def has_struck() -> bool:
            return all(rule["hits"] for rule in await stripe.rules())

        await until(has_struck, PUT_OFF_WITHIN_S, "every fault has struck every kind of call")
    await stripe.forget_faults()
    await inquest.hold()
    for made, captured, refunded in asked:
        assert (await _payment(http, made))["amount_captured"] == 1999
        assert (await _payment(http, captured))["amount_captured"] == 1000
        assert (await _payment(http, refunded))["amount_refunded"] == 700


async def test_what_stripe_did_and_nobody_could_learn_is_unknown_until_somebody_can(
    http: HttpClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    """Every answer is lost, to reads too, and no notice comes: what was done is found out later, under the same key."""
    await stripe.plan({"kind": "lost_answer", "endpoint": "events.list"})
    async with _others_paid(http, "light"):
        operations = await _create_capture_refund(http, stripe, "dark", DARK)

        async def are_unknown() -> bool:
            made, captured, refunded = [await _payment(http, each) for each in operations]
            refunds = [each["status"] for each in refunded["refunds"]]
            return [made["status"], captured["status"], *refunds] == ["unknown"] * 3

        await until(are_unknown, PUT_OFF_WITHIN_S, "what was done is unknown")
    made, _, refunded = [await _payment(http, each) for each in operations]
    assert made["unknown_since"]
    assert refunded["amount_refundable"] == 1299, "what may have been refunded is not refundable"
    await stripe.forget_faults()
    await inquest.hold()
    made, captured, refunded = [await _payment(http, each) for each in operations]
    assert [made["amount_captured"], captured["amount_captured"], refunded["amount_refunded"]] == [
        1999,
        1000,
        700,
    ]


@pytest.mark.parametrize("kind", ["crash_before", "crash_after"])
async def test_stripe_that_dies_in_the_midst_of_a_call_has_charged_once(
    system: System, http: HttpClient, stripe: SimulatorControl, inquest: Inquest, kind: str
) -> None:
    await stripe.plan({"kind": kind, "endpoint": "payment_intents.create", "count": 1})
    asked = asyncio.create_task(http.create(kind, wait_s=1))
    await until(lambda: not system.stripe.is_ready(), STRIKES_WITHIN_S, "Stripe is gone")
    await asyncio.to_thread(system.stripe.start)
    made = await asked
    await inquest.hold()
    assert (await _payment(http, made))["status"] == "captured"


@asynccontextmanager
async def _others_paid(http: HttpClient, key: str) -> AsyncIterator[None]:
    """Whose payments go well meanwhile: else the account would be taken for down, and nothing be sent to it."""

    enough = asyncio.Event()

    async def pay() -> None:
        numbers = count()
        while not enough.is_set():  # each to its end: a request that is cut off has no answer
            await http.create(f"{key}-{next(numbers)}", wait_s=0)
            await asyncio.sleep(BESIDE_S)

    paying = asyncio.create_task(pay())
    try:
        yield
    finally:
        enough.set()
        await paying


async def _create_capture_refund(
    http: HttpClient, stripe: SimulatorControl, fault: str, rules: list[dict[str, Any]]
) -> list[Operation]:
    """Three calls, each of a payment of its own that meets the fault, there where a rule names no other endpoint."""
    name = fault.replace(" ", "-")
    held, taken = await asyncio.gather(
        http.create(f"{name}-held", capture_method="manual"), http.create(f"{name}-taken")
    )
    new = http.payment_id(f"{name}-new")
    for payment_id, call in (
        (new, "payment_intents.create"),
        (held.payment_id, "payment_intents.capture"),
        (taken.payment_id, "refunds.create"),
    ):
        await stripe.plan(*({"endpoint": call, **rule, "payment": payment_id} for rule in rules))
    return list(
        await asyncio.gather(
            http.create(f"{name}-new", wait_s=1),
            http.capture(held.payment_id, f"{name}-capture", wait_s=1, amount=1000),
            http.refund(taken.payment_id, f"{name}-refund", wait_s=1, amount=700),
        )
    )


async def _until_put_off_or_settled(inquest: Inquest, operations: list[Operation]) -> None:
    async def came_to_something() -> bool:
        await inquest.log.read_on()
        stories = [(each, inquest.log.stories[each.payment_id]) for each in operations]
        return all(
            any(event.settles == each.command_id or told.type in PUT_OFF for event, told in story)
            for each, story in stories
        )

    await until(came_to_something, PUT_OFF_WITHIN_S, "every call is settled or put off")


async def _payment(http: HttpClient, operation: Operation) -> dict[str, Any]:
    status, payment = await http.get(f"/v1/payments/{operation.payment_id}")
    assert status == 200
    return dict(payment)
