"""Refunds and disputes to their ends, one test for each that no other file tells, with the money that each moves."""

from typing import Any

import pytest

from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.simulator import SimulatorControl
from tests.system.stack import STRIPE_KEY
from tests.system.waiting import until
from tests.system.watching import WITHIN_S, becomes, types

pytestmark = pytest.mark.real

SLOW_S = 600.0


async def test_several_refunds_take_all_there_is_and_no_more(http: HttpClient, inquest: Inquest) -> None:
    made = await http.create("parts", amount=1000)
    for number, amount in enumerate((300, 300)):
        part = await http.refund(made.payment_id, f"parts-{number}", amount=amount)
        assert (part.status, part.answer["status"]) == (201, "succeeded")
    over = await http.refund(made.payment_id, "parts-over", amount=401)
    assert (over.status, over.answer["code"]) == (422, "refund_exceeds_refundable")
    assert over.answer["rule"] == "refund_is_within_refundable"
    rest = await http.refund(made.payment_id, "parts-rest")
    assert rest.answer["amount"] == 400
    none = await http.refund(made.payment_id, "parts-none")
    assert none.answer["code"] == "refund_exceeds_refundable"
    await becomes(http, made, amount_refunded=1000, amount_refundable=0)
    await inquest.hold()


async def test_a_refund_is_made_only_of_what_its_sender_expects_to_be_left(
    http: HttpClient, inquest: Inquest
) -> None:
    made = await http.create("expected", amount=1000)
    first = await http.refund(made.payment_id, "expected-1", amount=300, expected_refundable=1000)
    stale = await http.refund(made.payment_id, "expected-2", amount=300, expected_refundable=1000)
    fresh = await http.refund(made.payment_id, "expected-3", amount=300, expected_refundable=700)
    assert [each.status for each in (first, stale, fresh)] == [201, 409, 201]
    assert (stale.answer["code"], stale.answer["rule"]) == (
        "refundable_mismatch",
        "refundable_is_as_expected",
    )
    await becomes(http, made, amount_refunded=600)
    await inquest.hold()


async def test_what_was_not_captured_is_not_refunded_but_canceled(http: HttpClient, inquest: Inquest) -> None:
    held = await http.create("uncaptured", capture_method="manual")
    refused = await http.refund(held.payment_id, "uncaptured-refund", amount=1)
    assert (refused.status, refused.answer["code"]) == (409, "payment_state_conflict")
    assert refused.answer["rule"] == "something_was_captured" and "authorized" in refused.answer["detail"]
    assert (await http.cancel(held.payment_id, "uncaptured-cancel")).answer["status"] == "canceled"
    await inquest.hold()


async def test_a_pending_refund_reserves_its_money_until_it_succeeds_or_is_canceled_at_stripe(
    http: HttpClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    usual = await stripe.take(follow_up_s=SLOW_S)
    try:
        made = await http.create("pending", amount=1000, payment_method="pm_card_pendingRefund")
        first = await http.refund(made.payment_id, "pending-1", amount=600)
        second = await http.refund(made.payment_id, "pending-2", amount=400)
    finally:
        await stripe.take(**usual)
    assert [each.answer["status"] for each in (first, second)] == ["pending", "pending"]
    await becomes(http, made, amount_refund_pending=1000, amount_refundable=0, amount_refunded=0)
    _, listed = await stripe.ask_stripe("GET", "/v1/refunds", STRIPE_KEY)
    at_stripe = {each["amount"]: each["id"] for each in listed["data"] if each["status"] == "pending"}
    status, _ = await stripe.ask_stripe("POST", f"/v1/refunds/{at_stripe[400]}/cancel", STRIPE_KEY)
    assert status == 200
    await becomes(http, made, amount_refund_pending=600, amount_refundable=400)
    await stripe.move_clock(SLOW_S)
    seen = await becomes(http, made, amount_refunded=600, amount_refund_pending=0, amount_refundable=400)
    await stripe.move_clock(-SLOW_S)
    assert sorted(each["status"] for each in seen["refunds"]) == ["canceled", "succeeded"]
    assert {"refund.canceled.v1", "refund.succeeded.v1"} <= set(await types(http, made))
    await inquest.hold()


async def test_an_inquiry_takes_no_money_and_leaves_the_payment_refundable(
    http: HttpClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    made = await http.create("inquiry")
    dispute = await stripe.open_dispute(made.answer["provider"]["payment_intent"], inquiry=True)
    await _dispute_becomes(http, made.payment_id, "warning_needs_response")
    assert (await http.refund(made.payment_id, "inquiry-refund", amount=500)).status == 201
    await stripe.close_dispute(dispute, "warning_closed")
    seen = await _dispute_becomes(http, made.payment_id, "warning_closed")
    assert (seen["amount_disputed"], seen["amount_refundable"], seen["status"]) == (0, 1499, "captured")
    await inquest.hold()


async def test_an_inquiry_becomes_a_chargeback_is_answered_and_lost_with_what_it_took(
    http: HttpClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    made = await http.create("lost", amount=1000)
    intent = made.answer["provider"]["payment_intent"]
    dispute = await stripe.open_dispute(intent, inquiry=True, amount=700, reason="product_not_received")
    await _dispute_becomes(http, made.payment_id, "warning_needs_response")
    await stripe.escalate_dispute(dispute)
    seen = await _dispute_becomes(http, made.payment_id, "needs_response")
    await becomes(http, made, amount_disputed=700)
    assert seen["disputes"][0]["reason"] == "product_not_received"
    evidence = {"evidence[uncategorized_text]": "we sent it"}
    await stripe.ask_stripe("POST", f"/v1/disputes/{dispute}", STRIPE_KEY, **evidence)
    await _dispute_becomes(http, made.payment_id, "under_review")
    refused = await http.refund(made.payment_id, "lost-refund", amount=1)
    assert (refused.answer["code"], refused.answer["rule"]) == (
        "payment_disputed",
        "payment_is_not_charged_back",
    )
    await stripe.close_dispute(dispute, "lost")
    seen = await _dispute_becomes(http, made.payment_id, "lost")
    assert (seen["amount_disputed"], seen["status"]) == (700, "captured")
    story = [type for type in await types(http, made) if type.startswith("dispute.")]
    assert (story[0], story[-1]) == ("dispute.opened.v1", "dispute.closed.v1")
    assert "dispute.updated.v1" in story
    await inquest.hold()


async def _dispute_becomes(http: HttpClient, payment_id: str, status: str) -> dict[str, Any]:
    """The payment, once its only dispute stands so."""
    seen: dict[str, Any] = {}

    async def so() -> bool:
        seen.update((await http.get(f"/v1/payments/{payment_id}"))[1])
        return [each["status"] for each in seen["disputes"]] == [status]

    await until(so, WITHIN_S, f"the dispute of {payment_id} is {status}")
    return seen
