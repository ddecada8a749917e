"""Calls that Stripe answers clearly: what each answer becomes."""

import pytest

from models.provider import Answered, Declined, IntentStatus, RefundSnapshot, RefundStatus, Rejected
from streams.adapters.stripe_line import line_to
from streams.adapters.stripe_provider import StripeProvider
from tests.streams.adapters.stripe.stripe_world import (
    StripeProcess,
    authorized,
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


async def test_what_is_held_is_captured_in_part_and_then_for_good(provider: StripeProvider) -> None:
    payment_id = new_payment()
    intent = (await authorized(provider, payment_id)).intent
    first = shown(await provider.perform(capture(payment_id, intent, 500, final=False)))
    assert (first.status, first.amount_captured_minor) == (IntentStatus.AUTHORIZED, 500)
    last = shown(await provider.perform(capture(payment_id, intent, 700, attempt=2)))
    assert (last.status, last.amount_captured_minor) == (IntentStatus.CAPTURED, 1200)


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


async def test_what_stripe_refuses_is_rejected_with_its_code_and_its_sentence(
    provider: StripeProvider, simulator: StripeProcess
) -> None:
    payment_id = new_payment()
    outcome = await provider.perform(create(payment_id, "pm_that_nobody_made"))
    assert outcome == Rejected("resource_missing", "No such PaymentMethod: 'pm_that_nobody_made'")
    assert simulator.charged(payment_id) == 0


@pytest.mark.parametrize("key", ["", "pk_test_public", "sk_other_x", "sk_test_white space"])
def test_what_is_no_secret_key_is_refused_at_start_and_not_repeated(key: str) -> None:
    with pytest.raises(ValueError) as refused:
        line_to(key, "https://api.stripe.com")
    assert not key or key not in str(refused.value)
