"""The contract with Stripe, held against the simulator, and against Stripe itself where a test key is given.

Nothing here pulls a lever of the simulator. `STRIPE_API_KEY=sk_test_…` in the environment makes it run against both.
"""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import stripe

from models.commands import RecordNotice
from models.provider import (
    Answered,
    Declined,
    IntentStatus,
    Operation,
    PspCall,
    ReadIntent,
    RefundSnapshot,
    RefundStatus,
    Rejected,
)
from models.terms import CaptureMethod
from streams.adapters.stripe_declines import (
    AUTHENTICATE,
    DO_NOT_RETRY,
    TRY_AGAIN_LATER,
    USE_ANOTHER_METHOD,
)
from streams.adapters.stripe_notices import heard_of
from streams.adapters.stripe_provider import StripeProvider
from tests.streams.adapters.stripe.account import VARIABLE, StripeAccount, of_stripes
from tests.streams.adapters.stripe.stripe_world import (
    DEADLINE_S,
    MERCHANT,
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


def official_sdk(account: StripeAccount) -> stripe.StripeClient:
    return stripe.StripeClient(account.key, base_addresses={"api": account.url})


ADVICES = {AUTHENTICATE, DO_NOT_RETRY, TRY_AGAIN_LATER, USE_ANOTHER_METHOD}


async def test_a_payment_to_be_captured_by_hand_is_held_and_says_until_when(
    contractor: StripeProvider,
) -> None:
    payment_id = new_payment()
    call = create(payment_id, capture_method=CaptureMethod.MANUAL)
    seen = shown(await contractor.perform(call))
    assert seen.status is IntentStatus.AUTHORIZED
    assert (seen.amount_capturable_minor, seen.amount_captured_minor) == (1999, 0)
    assert seen.authorized_until is not None and seen.authorized_until > call.requested_at


async def test_what_is_held_is_released_by_a_cancellation(contractor: StripeProvider) -> None:
    payment_id = new_payment()
    intent = (await authorized(contractor, payment_id)).intent
    seen = shown(await contractor.perform(cancel(payment_id, intent, "requested_by_customer")))
    assert seen.status is IntentStatus.CANCELED
    assert seen.cancellation_reason == "requested_by_customer"


async def test_a_reason_that_stripe_does_not_know_cancels_all_the_same(contractor: StripeProvider) -> None:
    payment_id = new_payment()
    intent = (await authorized(contractor, payment_id)).intent
    assert shown(await contractor.perform(cancel(payment_id, intent, "out of stock"))).status == "canceled"


async def test_a_customer_must_authenticate_without_any_address_to_come_back_to(
    contractor: StripeProvider,
) -> None:
    seen = shown(await contractor.perform(create(new_payment(), "pm_card_authenticationRequired")))
    assert seen.status is IntentStatus.REQUIRES_ACTION
    assert seen.next_action
    assert seen.client_secret and seen.client_secret.startswith(f"{seen.intent}_secret_")


async def test_a_customer_is_sent_away_and_back_where_there_is_an_address(contractor: StripeProvider) -> None:
    back = "https://shop.example/back"
    call = create(new_payment(), "pm_card_authenticationRequired", return_url=back)
    action = shown(await contractor.perform(call)).next_action
    assert action is not None and action["type"] == "redirect_to_url"


async def test_a_payment_without_its_customer_that_needs_them_is_declined(contractor: StripeProvider) -> None:
    call = create(new_payment(), "pm_card_authenticationRequired", off_session=True)
    outcome = await contractor.perform(call)
    assert isinstance(outcome, Declined)
    assert outcome.decline.advice == "authenticate"


async def test_a_capture_of_an_intent_that_is_not_there_is_rejected(contractor: StripeProvider) -> None:
    outcome = await contractor.perform(capture(new_payment(), "pi_3nobody"))
    assert isinstance(outcome, Rejected) and outcome.code == "resource_missing"


async def test_a_payment_is_made_by_one_call_and_once_however_often_it_is_sent(
    contractor: StripeProvider,
) -> None:
    call = create(new_payment())
    first, again = await contractor.perform(call), await contractor.perform(call)
    seen = shown(first)
    assert (seen.status, seen.amount_minor, seen.amount_captured_minor) == (IntentStatus.CAPTURED, 1999, 1999)
    assert seen.charge is not None and seen.charge.startswith("ch_")
    assert first == again


async def test_what_is_held_is_captured_in_part_and_the_rest_released(contractor: StripeProvider) -> None:
    payment_id = new_payment()
    intent = (await authorized(contractor, payment_id)).intent
    seen = shown(await contractor.perform(capture(payment_id, intent, 700)))
    assert (seen.status, seen.amount_captured_minor, seen.amount_capturable_minor) == (
        IntentStatus.CAPTURED,
        700,
        0,
    )


@pytest.mark.parametrize(
    ("method", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
    ],
)
async def test_a_decline_has_stripes_codes_and_its_intent_can_be_canceled(
    contractor: StripeProvider, method: str, code: str, decline_code: str | None
) -> None:
    payment_id = new_payment()
    outcome = await contractor.perform(create(payment_id, method))
    assert isinstance(outcome, Declined) and outcome.intent
    decline = outcome.decline
    assert (decline.code, decline_code) == (code, decline_code and decline.decline_code)
    assert decline.advice in ADVICES and decline.message
    assert shown(await contractor.perform(cancel(payment_id, outcome.intent))).status is IntentStatus.CANCELED


@pytest.mark.parametrize(
    ("method", "status"),
    [("pm_card_visa", RefundStatus.SUCCEEDED), ("pm_card_pendingRefund", RefundStatus.PENDING)],
)
async def test_a_refund_has_our_id_its_status_and_is_made_once(
    contractor: StripeProvider, method: str, status: RefundStatus
) -> None:
    payment_id, refund_id = new_payment(), new_refund()
    call = refund(payment_id, (await paid(contractor, payment_id, method)).intent, refund_id)
    outcome = await contractor.perform(call)
    assert isinstance(outcome, Answered) and isinstance(outcome.snapshot, RefundSnapshot)
    assert (outcome.snapshot.refund_id, outcome.snapshot.status) == (refund_id, status)
    assert outcome == await contractor.perform(call)


async def test_more_than_there_is_and_what_is_not_there_are_rejected(contractor: StripeProvider) -> None:
    payment_id = new_payment()
    intent = (await paid(contractor, payment_id)).intent
    over = await contractor.perform(refund(payment_id, intent, new_refund(), 2000))
    nobody = await contractor.perform(create(new_payment(), "pm_that_nobody_made"))
    assert isinstance(over, Rejected) and isinstance(nobody, Rejected)
    assert nobody.code == "resource_missing" and nobody.message.startswith("No such PaymentMethod")


async def test_a_late_capture_of_what_was_canceled_shows_that_it_is_canceled(
    contractor: StripeProvider,
) -> None:
    payment_id = new_payment()
    intent = (await authorized(contractor, payment_id)).intent
    await contractor.perform(cancel(payment_id, intent))
    assert shown(await contractor.perform(capture(payment_id, intent))).status is IntentStatus.CANCELED


async def test_a_look_shows_the_intent_as_its_own_answer_did(contractor: StripeProvider) -> None:
    call = create(new_payment(), capture_method=CaptureMethod.MANUAL)
    seen = shown(await contractor.perform(call))
    key = f"{call.payment_id}:read:1"
    look = PspCall(key, Operation.READ, call.payment_id, MERCHANT, call.requested_at, ReadIntent(seen.intent))
    assert shown(await contractor.perform(look)) == seen


async def test_the_official_sdk_finds_what_the_adapter_made(
    contractor: StripeProvider, account: StripeAccount
) -> None:
    """Its own typed calls, on what was made through ours: both speak of the same objects."""
    payment_id, refund_id = new_payment(), new_refund()
    intent = (await paid(contractor, payment_id)).intent
    await contractor.perform(refund(payment_id, intent, refund_id))
    sdk = official_sdk(account)
    expand = ["latest_charge.balance_transaction"]
    seen = await asyncio.to_thread(sdk.v1.payment_intents.retrieve, intent, {"expand": expand})
    assert (seen.status, seen.amount_received) == ("succeeded", 1999)
    assert seen.metadata and seen.metadata["payment_id"] == payment_id
    charge = seen.latest_charge
    assert isinstance(charge, stripe.Charge) and (charge.paid, charge.amount_refunded) == (True, 500)
    assert isinstance(charge.balance_transaction, stripe.BalanceTransaction)
    refunds = await asyncio.to_thread(sdk.v1.refunds.list, {"payment_intent": intent})
    assert [each.metadata["refund_id"] for each in refunds.data if each.metadata] == [refund_id]


async def test_the_event_that_stripe_tells_is_a_notice_of_the_payment(
    contractor: StripeProvider, account: StripeAccount
) -> None:
    payment_id = new_payment()
    seen = await paid(contractor, payment_id)
    events = official_sdk(account).v1.events
    found: list[RecordNotice] = []
    async with asyncio.timeout(DEADLINE_S):
        while not found:
            page = await asyncio.to_thread(events.list, {"type": "payment_intent.succeeded", "limit": 100})
            heard = [heard_of(each.to_dict(), False, datetime.now(UTC)) for each in page.data]
            found = [n for n in heard if isinstance(n, RecordNotice) and n.origin.payment_id == payment_id]
    assert replace(seen, authorized_until=None) == replace(shown(found[0]), authorized_until=None)


@pytest.mark.parametrize("key", ["sk_live_x", "rk_live_x", "pk_test_x", "nonsense"])
def test_a_live_key_or_none_of_stripes_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv(VARIABLE, key)
    with pytest.raises(pytest.fail.Exception) as refused:
        of_stripes()
    assert key not in str(refused.value)
