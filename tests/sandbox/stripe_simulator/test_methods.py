"""Stripe's test payment methods behave as published, seen through the official SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import stripe

from sandbox.stripe_simulator.methods import METHODS

if TYPE_CHECKING:
    from tests.sandbox.stripe_simulator.conftest import Raw

GOOD = [
    name
    for name, method in METHODS.items()
    if method.type == "card" and not method.decline and not method.challenge
]
BAD = {
    "pm_card_chargeDeclined": ("card_declined", "generic_decline"),
    "pm_card_visa_chargeDeclined": ("card_declined", "generic_decline"),
    "pm_card_chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "pm_card_chargeDeclinedLostCard": ("card_declined", "lost_card"),
    "pm_card_chargeDeclinedStolenCard": ("card_declined", "stolen_card"),
    "pm_card_chargeDeclinedFraudulent": ("card_declined", "fraudulent"),
    "pm_card_chargeDeclinedVelocityLimitExceeded": ("card_declined", "card_velocity_exceeded"),
    "pm_card_chargeDeclinedExpiredCard": ("expired_card", None),
    "pm_card_chargeDeclinedIncorrectCvc": ("incorrect_cvc", None),
    "pm_card_chargeDeclinedProcessingError": ("processing_error", None),
}


async def pay(sdk: stripe.StripeClient, method: str, **more: Any) -> stripe.PaymentIntent:
    params: Any = {
        "amount": 1999,
        "currency": "usd",
        "payment_method": method,
        "payment_method_types": ["card", "us_bank_account"],
        "confirm": True,
        "expand": ["latest_charge"],
        **more,
    }
    return await sdk.v1.payment_intents.create_async(params)


def charge_of(intent: stripe.PaymentIntent) -> stripe.Charge:
    assert isinstance(intent.latest_charge, stripe.Charge)
    return intent.latest_charge


@pytest.mark.parametrize("method", GOOD)
async def test_a_good_card_is_charged(sdk: stripe.StripeClient, method: str) -> None:
    intent = await pay(sdk, method)
    charge = charge_of(intent)
    assert (intent.status, intent.amount_received, charge.paid, charge.captured) == (
        "succeeded",
        1999,
        True,
        True,
    )
    assert charge.payment_method_details is not None and charge.payment_method_details.card is not None
    assert charge.payment_method_details.card.brand == METHODS[method].brand


@pytest.mark.parametrize("method", BAD)
async def test_a_declined_card_answers_402_and_leaves_the_intent_open(
    sdk: stripe.StripeClient, method: str
) -> None:
    with pytest.raises(stripe.CardError) as caught:
        await pay(sdk, method)
    error = caught.value
    assert error.error is not None
    assert (error.code, error.error.decline_code) == BAD[method]
    intent = error.error.payment_intent
    assert intent is not None and error.error.charge is not None
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    assert intent.last_payment_error is not None and intent.last_payment_error.code == error.code
    charge = await sdk.v1.charges.retrieve_async(error.error.charge)
    assert (charge.status, charge.paid, charge.failure_code) == ("failed", False, error.code)


async def test_a_declined_intent_can_be_confirmed_again_with_another_card(sdk: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError) as caught:
        await pay(sdk, "pm_card_chargeDeclined")
    assert caught.value.error is not None and caught.value.error.payment_intent is not None
    intent_id = caught.value.error.payment_intent.id
    intent = await sdk.v1.payment_intents.confirm_async(intent_id, {"payment_method": "pm_card_mastercard"})
    assert intent.status == "succeeded" and intent.last_payment_error is None


async def test_authentication_waits_for_the_customer_and_then_succeeds(
    sdk: stripe.StripeClient, raw: Raw
) -> None:
    intent = await pay(sdk, "pm_card_authenticationRequired", return_url="https://shop.test/back")
    assert intent.status == "requires_action" and intent.next_action is not None
    assert intent.next_action.redirect_to_url is not None
    assert intent.next_action.redirect_to_url.return_url == "https://shop.test/back"
    assert (await raw.sim(f"authenticate/{intent.id}", {"outcome": "succeed"}))["status"] == "succeeded"


async def test_authentication_without_a_return_url_is_the_sdks_step(sdk: stripe.StripeClient) -> None:
    intent = await pay(sdk, "pm_card_threeDSecure2Required")
    assert intent.next_action is not None and intent.next_action.type == "use_stripe_sdk"


async def test_failed_authentication_asks_for_another_method(sdk: stripe.StripeClient, raw: Raw) -> None:
    intent = await pay(sdk, "pm_card_authenticationRequired")
    failed = await raw.sim(f"authenticate/{intent.id}", {"outcome": "fail"})
    assert failed["status"] == "requires_payment_method"
    assert failed["last_payment_error"]["code"] == "payment_intent_authentication_failure"


async def test_authentication_off_session_is_a_decline(sdk: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError) as caught:
        await pay(sdk, "pm_card_authenticationRequired", off_session=True)
    assert caught.value.code == "authentication_required"


async def test_error_on_requires_action_leaves_nothing_behind(sdk: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError) as caught:
        await pay(sdk, "pm_card_authenticationRequired", error_on_requires_action=True)
    assert caught.value.code == "authentication_required"


async def test_a_bank_debit_is_processing_and_then_succeeds(sdk: stripe.StripeClient, raw: Raw) -> None:
    intent = await pay(sdk, "pm_usBankAccount_success")
    assert (intent.status, charge_of(intent).status) == ("processing", "pending")
    await raw.sim("clock", {"advance_s": 2})
    assert (await sdk.v1.payment_intents.retrieve_async(intent.id)).status == "succeeded"


async def test_a_bank_debit_can_fail_after_processing(sdk: stripe.StripeClient, raw: Raw) -> None:
    intent = await pay(sdk, "pm_usBankAccount_noAccount")
    await raw.sim("clock", {"advance_s": 2})
    after = await sdk.v1.payment_intents.retrieve_async(intent.id)
    assert after.status == "requires_payment_method" and after.last_payment_error is not None
    outcomes = [entry["outcome"] for entry in (await raw.sim("ledger"))["entries"]]
    assert outcomes == ["pending", "failed"]


async def test_a_delayed_sepa_debit_takes_three_minutes(sdk: stripe.StripeClient, raw: Raw) -> None:
    intent = await pay(sdk, "pm_successDelayed_de", currency="eur", payment_method_types=["sepa_debit"])
    await raw.sim("clock", {"advance_s": 170})
    assert (await sdk.v1.payment_intents.retrieve_async(intent.id)).status == "processing"
    await raw.sim("clock", {"advance_s": 20})
    assert (await sdk.v1.payment_intents.retrieve_async(intent.id)).status == "succeeded"


async def test_a_refund_can_succeed_first_and_fail_later(sdk: stripe.StripeClient, raw: Raw) -> None:
    intent = await pay(sdk, "pm_card_refundFail")
    refund = await sdk.v1.refunds.create_async({"payment_intent": intent.id, "amount": 500})
    assert refund.status == "succeeded"
    await raw.sim("clock", {"advance_s": 2})
    refund = await sdk.v1.refunds.retrieve_async(refund.id)
    assert (refund.status, refund.failure_reason) == ("failed", "expired_or_canceled_card")
    charge = await sdk.v1.charges.retrieve_async(charge_of(intent).id)
    assert charge.amount_refunded == 0
    types = [event.type for event in (await sdk.v1.events.list_async({"limit": 2})).data]
    assert types == ["refund.failed", "refund.updated"]


async def test_a_refund_can_be_pending_first(sdk: stripe.StripeClient, raw: Raw) -> None:
    intent = await pay(sdk, "pm_card_pendingRefund")
    refund = await sdk.v1.refunds.create_async({"payment_intent": intent.id})
    assert refund.status == "pending"
    await raw.sim("clock", {"advance_s": 2})
    assert (await sdk.v1.refunds.retrieve_async(refund.id)).status == "succeeded"


async def test_a_pending_refund_can_be_canceled(sdk: stripe.StripeClient) -> None:
    intent = await pay(sdk, "pm_card_pendingRefund")
    refund = await sdk.v1.refunds.create_async({"payment_intent": intent.id})
    assert (await sdk.v1.refunds.cancel_async(refund.id)).status == "canceled"
    assert (await sdk.v1.refunds.create_async({"payment_intent": intent.id})).amount == 1999


@pytest.mark.parametrize(("words", "end"), [("winning_evidence", "won"), ("losing_evidence", "lost")])
async def test_a_dispute_follows_and_is_judged_by_its_evidence(
    sdk: stripe.StripeClient, raw: Raw, words: str, end: str
) -> None:
    intent = await pay(sdk, "pm_card_createDispute")
    await raw.sim("clock", {"advance_s": 2})
    (dispute,) = (await sdk.v1.disputes.list_async({"payment_intent": intent.id})).data
    assert (dispute.status, dispute.amount, dispute.reason) == ("needs_response", 1999, "fraudulent")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sdk.v1.refunds.create_async({"payment_intent": intent.id})
    assert caught.value.code == "charge_disputed"
    await sdk.v1.disputes.update_async(dispute.id, {"evidence": {"uncategorized_text": words}})
    await raw.sim("clock", {"advance_s": 2})
    assert (await sdk.v1.disputes.retrieve_async(dispute.id)).status == end
    assert (await sdk.v1.payment_intents.retrieve_async(intent.id)).status == "succeeded"


async def test_closing_a_dispute_loses_it(sdk: stripe.StripeClient, raw: Raw) -> None:
    await pay(sdk, "pm_card_createDispute")
    await raw.sim("clock", {"advance_s": 2})
    (dispute,) = (await sdk.v1.disputes.list_async()).data
    assert (await sdk.v1.disputes.close_async(dispute.id)).status == "lost"


async def test_an_inquiry_leaves_the_charge_refundable(sdk: stripe.StripeClient, raw: Raw) -> None:
    intent = await pay(sdk, "pm_card_createDisputeInquiry")
    await raw.sim("clock", {"advance_s": 2})
    (dispute,) = (await sdk.v1.disputes.list_async()).data
    assert dispute.status == "warning_needs_response"
    assert (await sdk.v1.refunds.create_async({"payment_intent": intent.id})).status == "succeeded"
