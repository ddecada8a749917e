"""Calls that Stripe answers clearly: what each answer becomes."""

import pytest

from models.provider import Answered, Declined, IntentStatus, RefundSnapshot, RefundStatus, Rejected
from models.terms import CaptureMethod
from streams.adapters.stripe_line import line_to
from streams.adapters.stripe_provider import StripeProvider
from tests.streams.adapters.stripe.stripe_world import (
    StripeProcess,
    authorized,
    cancel,
    capture,
    create,
    new_payment,
    new_refund,
    paid,
    refund,
    shown,
)


async def test_a_payment_is_created_confirmed_and_captured_by_one_call(
    provider: StripeProvider, simulator: StripeProcess
) -> None:
    payment_id = new_payment()
    seen = await paid(provider, payment_id)
    assert seen.status is IntentStatus.CAPTURED
    assert (seen.amount_minor, seen.amount_captured_minor, seen.currency) == (1999, 1999, "usd")
    assert seen.charge is not None and seen.charge.startswith("ch_")
    [charge] = simulator.ledger(payment_id, "charge")
    assert charge["idempotency_key"] == f"{payment_id}:create:1"


async def test_a_payment_to_be_captured_by_hand_is_held_and_says_until_when(provider: StripeProvider) -> None:
    payment_id = new_payment()
    call = create(payment_id, capture_method=CaptureMethod.MANUAL)
    seen = shown(await provider.perform(call))
    assert seen.status is IntentStatus.AUTHORIZED
    assert (seen.amount_capturable_minor, seen.amount_captured_minor) == (1999, 0)
    assert seen.authorized_until is not None and seen.authorized_until > call.requested_at


async def test_what_is_held_is_captured_in_part_and_then_for_good(provider: StripeProvider) -> None:
    payment_id = new_payment()
    intent = (await authorized(provider, payment_id)).intent
    first = shown(await provider.perform(capture(payment_id, intent, 500, final=False)))
    assert (first.status, first.amount_captured_minor) == (IntentStatus.AUTHORIZED, 500)
    last = shown(await provider.perform(capture(payment_id, intent, 700, attempt=2)))
    assert (last.status, last.amount_captured_minor) == (IntentStatus.CAPTURED, 1200)


async def test_what_is_held_is_released_by_a_cancellation(provider: StripeProvider) -> None:
    payment_id = new_payment()
    intent = (await authorized(provider, payment_id)).intent
    seen = shown(await provider.perform(cancel(payment_id, intent, "requested_by_customer")))
    assert seen.status is IntentStatus.CANCELED
    assert seen.cancellation_reason == "requested_by_customer"


async def test_a_reason_that_stripe_does_not_know_cancels_all_the_same(provider: StripeProvider) -> None:
    payment_id = new_payment()
    intent = (await authorized(provider, payment_id)).intent
    assert shown(await provider.perform(cancel(payment_id, intent, "out of stock"))).status == "canceled"


@pytest.mark.parametrize(
    ("method", "status"),
    [("pm_card_visa", RefundStatus.SUCCEEDED), ("pm_card_pendingRefund", RefundStatus.PENDING)],
)
async def test_a_refund_carries_our_id_and_says_how_it_stands(
    provider: StripeProvider, simulator: StripeProcess, method: str, status: RefundStatus
) -> None:
    payment_id, refund_id = new_payment(), new_refund()
    intent = (await paid(provider, payment_id, method)).intent
    outcome = await provider.perform(refund(payment_id, intent, refund_id))
    assert isinstance(outcome, Answered) and isinstance(outcome.snapshot, RefundSnapshot)
    assert (outcome.snapshot.refund_id, outcome.snapshot.status) == (refund_id, status)
    assert outcome.snapshot.amount_minor == 500
    assert [entry["refund"] for entry in simulator.ledger(payment_id, "refund")][:1] == [refund_id]


@pytest.mark.parametrize(
    ("method", "decline_code", "advice"),
    [
        ("pm_card_chargeDeclined", "generic_decline", "try_again_later"),
        ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds", "try_again_later"),
        ("pm_card_chargeDeclinedStolenCard", "stolen_card", "do_not_retry"),
        ("pm_card_chargeDeclinedFraudulent", "fraudulent", "do_not_retry"),
        ("pm_card_chargeDeclinedExpiredCard", None, "use_another_method"),
        ("pm_card_chargeDeclinedProcessingError", None, "try_again_later"),
    ],
)
async def test_a_decline_keeps_stripes_codes_and_says_what_helps(
    provider: StripeProvider, method: str, decline_code: str | None, advice: str
) -> None:
    outcome = await provider.perform(create(new_payment(), method))
    assert isinstance(outcome, Declined)
    assert (outcome.decline.decline_code, outcome.decline.advice) == (decline_code, advice)
    assert outcome.decline.code and outcome.decline.message
    if decline_code == "insufficient_funds":
        assert (outcome.decline.advice_code, outcome.decline.network_code) == ("try_again_later", "51")
    assert outcome.intent is not None and outcome.intent.startswith("pi_")


async def test_a_customer_must_authenticate_without_any_address_to_come_back_to(
    provider: StripeProvider,
) -> None:
    seen = shown(await provider.perform(create(new_payment(), "pm_card_authenticationRequired")))
    assert seen.status is IntentStatus.REQUIRES_ACTION
    assert seen.next_action
    assert seen.client_secret and seen.client_secret.startswith(f"{seen.intent}_secret_")


async def test_a_customer_is_sent_away_and_back_where_there_is_an_address(provider: StripeProvider) -> None:
    back = "https://shop.example/back"
    call = create(new_payment(), "pm_card_authenticationRequired", return_url=back)
    action = shown(await provider.perform(call)).next_action
    assert action is not None and action["type"] == "redirect_to_url"


async def test_a_payment_without_its_customer_that_needs_them_is_declined(provider: StripeProvider) -> None:
    call = create(new_payment(), "pm_card_authenticationRequired", off_session=True)
    outcome = await provider.perform(call)
    assert isinstance(outcome, Declined)
    assert outcome.decline.advice == "authenticate"


async def test_what_stripe_refuses_is_rejected_with_its_code_and_its_sentence(
    provider: StripeProvider, simulator: StripeProcess
) -> None:
    payment_id = new_payment()
    outcome = await provider.perform(create(payment_id, "pm_that_nobody_made"))
    assert outcome == Rejected("resource_missing", "No such PaymentMethod: 'pm_that_nobody_made'")
    assert simulator.charged(payment_id) == 0


async def test_a_capture_of_an_intent_that_is_not_there_is_rejected(provider: StripeProvider) -> None:
    outcome = await provider.perform(capture(new_payment(), "pi_3nobody"))
    assert isinstance(outcome, Rejected) and outcome.code == "resource_missing"


@pytest.mark.parametrize("key", ["", "pk_test_public", "sk_other_x", "sk_test_white space"])
def test_what_is_no_secret_key_is_refused_at_start_and_not_repeated(key: str) -> None:
    with pytest.raises(ValueError) as refused:
        line_to(key, "https://api.stripe.com")
    assert not key or key not in str(refused.value)
