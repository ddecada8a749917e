"""A payment's ways to its end, one test for each that no other file tells: captures, cancellations, expiry, days, declines."""

import asyncio
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from tests.system.history import Operation
from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.simulator import SimulatorControl
from tests.system.watching import becomes, happened, types

pytestmark = pytest.mark.real

CONFLICT = (409, "payment_state_conflict")
AUTHORIZED_S = 5.0
DAYS_S = 240.0
"""Beyond Stripe's slow test debits; not so long that keys grow old, as other tests have the same clock."""


def told(operation: Operation) -> tuple[int | None, Any]:
    return operation.status, operation.answer.get("code", operation.answer.get("status"))


async def test_what_is_held_is_captured_several_times_and_the_rest_released(
    http: HttpClient, inquest: Inquest
) -> None:
    held = await http.create("several", amount=5000, capture_method="manual")
    for number, amount in enumerate((1000, 1500)):
        part = await http.capture(held.payment_id, f"several-{number}", amount=amount, final=False)
        assert told(part) == (200, "authorized")
    assert (part.answer["amount_captured"], part.answer["amount_capturable"]) == (2500, 2500)
    over = await http.capture(held.payment_id, "several-over", amount=2501)
    assert told(over) == (422, "capture_exceeds_authorized")
    assert over.answer["rule"] == "capture_is_within_authorized"
    last = await http.capture(held.payment_id, "several-last", amount=500)
    assert told(last) == (200, "captured")
    assert (last.answer["amount_captured"], last.answer["amount_capturable"]) == (3000, 0)
    refunded = await http.refund(held.payment_id, "several-refund")
    assert refunded.answer["amount"] == 3000
    await inquest.hold()


async def test_a_payment_can_be_canceled_until_its_money_is_taken_and_not_after(
    http: HttpClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    lost = http.payment_id("cancel-unknown")
    await stripe.plan({"kind": "reset", "endpoint": "payment_intents.create", "payment": lost})
    bodies: dict[str, dict[str, Any]] = {
        "held": {"capture_method": "manual"},
        "acting": {"payment_method": "pm_card_authenticationRequired"},
        "bank": {"payment_method": "pm_usBankAccount_processing"},
        "taken": {},
        "declined": {"payment_method": "pm_card_chargeDeclined"},
    }
    made = await asyncio.gather(*(http.create(f"cancel-{name}", **body) for name, body in bodies.items()))
    unknown = await http.create("cancel-unknown", wait_s=0)
    await becomes(http, unknown, status="unknown")
    ends = await asyncio.gather(*(http.cancel(each.payment_id, "cancel") for each in (*made, unknown)))
    canceled = (200, "canceled")
    assert [told(end) for end in ends] == [canceled, canceled, canceled, CONFLICT, CONFLICT, CONFLICT]
    assert "captured" in ends[3].answer["detail"] and "unknown" in ends[5].answer["detail"]
    again = await http.cancel(made[0].payment_id, "cancel-again")
    assert told(again) == CONFLICT
    await stripe.forget_faults()
    await becomes(http, unknown, status="captured")
    await inquest.hold()


async def test_when_a_capture_and_a_cancellation_race_one_wins_and_the_other_is_told(
    http: HttpClient, inquest: Inquest
) -> None:
    async def race(number: int) -> str:
        held = await http.create(f"race-{number}", capture_method="manual")
        both = [http.capture(held.payment_id, "race-capture"), http.cancel(held.payment_id, "race-cancel")]
        if number % 2:
            both.reverse()
        ends = Counter(told(each) for each in await asyncio.gather(*both))
        assert ends.pop(CONFLICT) == 1
        ((winner, _),) = ends.items()
        assert winner[0] == 200
        return str((await becomes(http, held, status=winner[1]))["status"])

    assert set(await asyncio.gather(*map(race, range(6)))) <= {"captured", "canceled"}
    await inquest.hold()


async def test_an_authorisation_that_ends_is_told_of_before_and_then_canceled(
    http: HttpClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    """Until when is in Stripe's answer alone: its notice, which does not say, must not be there before it."""
    notice = {"endpoint": "payment_intent.amount_capturable_updated", "payment": http.payment_id("expires")}
    await stripe.plan({"kind": "webhook_drop", **notice})
    usual = await stripe.take(capture_window_s=AUTHORIZED_S)
    try:
        held = await http.create("expires", capture_method="manual")
    finally:
        await stripe.take(**usual)
        await stripe.forget_faults()
    assert told(held) == (201, "authorized"), held.answer
    assert held.answer["authorized_until"]
    seen = await becomes(http, held, status="canceled")
    assert (seen["amount_capturable"], seen["cancellation_reason"]) == (0, "automatic")
    late = await http.capture(held.payment_id, "expires-late")
    assert told(late) == CONFLICT
    warned = await happened(http, held, "payment.authorization_expiring.v1")
    ends = [datetime.fromisoformat(each["authorized_until"]) for each in (warned["data"], held.answer)]
    assert ends[0] == ends[1]
    story = await types(http, held)
    assert story.index("payment.authorization_expiring.v1") < story.index("payment.canceled.v1")
    await inquest.hold()


async def test_a_customer_who_is_away_and_would_have_to_act_is_declined_with_what_to_do(
    http: HttpClient, inquest: Inquest
) -> None:
    made = await http.create("away", payment_method="pm_card_authenticationRequired", off_session=True)
    assert told(made) == (201, "declined")
    decline = made.answer["decline"]
    assert (decline["code"], decline["advice"]) == ("authentication_required", "authenticate")
    assert made.answer["next_action"] is None
    await inquest.hold()


async def test_a_debit_that_takes_days_is_processing_until_then_and_may_still_fail(
    http: HttpClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    """Days that are minutes, and pass at once."""
    methods = {"captured": "pm_successDelayed_de", "declined": "pm_failedDelayed_de"}
    made = await asyncio.gather(
        *(http.create(f"days-{end}", currency="eur", payment_method=m) for end, m in methods.items())
    )
    assert [told(each) for each in made] == [(201, "processing")] * 2
    refused = await http.refund(made[0].payment_id, "days-refund", amount=1)
    assert told(refused) == CONFLICT and refused.answer["rule"] == "something_was_captured"
    await stripe.move_clock(DAYS_S)
    try:
        seen = [await becomes(http, each, status=end) for each, end in zip(made, methods, strict=True)]
        assert seen[1]["decline"]["code"]
        await inquest.hold()
    finally:
        await stripe.move_clock(-DAYS_S)


async def test_each_decline_keeps_its_codes_and_says_what_helps(http: HttpClient, inquest: Inquest) -> None:
    expected = {
        "pm_card_chargeDeclined": ("generic_decline", "try_again_later", "01", "try_again_later"),
        "pm_card_chargeDeclinedLostCard": ("lost_card", "do_not_try_again", "41", "do_not_retry"),
        "pm_card_chargeDeclinedStolenCard": ("stolen_card", "do_not_try_again", "43", "do_not_retry"),
        "pm_card_chargeDeclinedFraudulent": ("fraudulent", "do_not_try_again", None, "do_not_retry"),
        "pm_card_chargeDeclinedExpiredCard": (None, "confirm_card_data", "54", "use_another_method"),
        "pm_card_chargeDeclinedIncorrectCvc": (None, "confirm_card_data", "N7", "use_another_method"),
        "pm_card_chargeDeclinedProcessingError": (None, "try_again_later", "96", "try_again_later"),
        "pm_card_chargeDeclinedVelocityLimitExceeded": (
            "card_velocity_exceeded", "try_again_later", "65", "try_again_later",
        ),
    }  # fmt: skip
    made = await asyncio.gather(*(http.create(f"why-{m}", payment_method=m) for m in expected))
    found = [each.answer["decline"] for each in made]
    names = ("decline_code", "advice_code", "network_code", "advice")
    assert [tuple(decline[name] for name in names) for decline in found] == list(expected.values())
    assert all(decline["code"] and decline["message"] for decline in found)
    await inquest.hold()
