"""What the provider's word about a payment or a refund leads to. It moves things forward or not at all.

The same evidence comes as the answer to a call and as a webhook, in any order and any number of times. So a snapshot is
compared with what is known: the events it leads to are those that are legal moves from here, and nothing when it tells
nothing new.
"""

from collections.abc import Iterator
from typing import assert_never

from models import payment as payments
from models import refund as refunds
from models.errors import InvariantBroken
from models.events import (
    EventData,
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentCanceled,
    PaymentCaptured,
    PaymentDeclined,
    PaymentEvent,
    PaymentProcessing,
    PaymentReviewRequired,
    RefundCanceled,
    RefundEvent,
    RefundFailed,
    RefundPending,
    RefundSucceeded,
)
from models.payment import Payment, PaymentStatus
from models.provider import Decline, IntentSnapshot, IntentStatus, Operation, RefundSnapshot, RefundStatus
from models.transaction import OpenCall, Transaction

MONEY_MOVED_AFTER_THE_END = "the provider took the money after the payment had ended here"
_UNEXPLAINED = Decline("payment_failed", None, None, "The payment failed; the provider gave no reason.")


def of_intent(
    transaction: Transaction, seen: IntentSnapshot, answers: OpenCall | None
) -> Iterator[EventData]:
    """`answers`: the open call that `seen` is the answer to; None when we were told unasked."""
    payment = transaction.payment
    if payment is None:
        raise InvariantBroken(
            f"{transaction.id}: the provider knows intent {seen.intent}, we know no payment"
        )
    _same_payment(payment, seen)
    ended = payment.status in (PaymentStatus.DECLINED, PaymentStatus.CANCELED)
    if ended and seen.amount_captured_minor > payment.amount_captured_minor:
        yield PaymentReviewRequired(MONEY_MOVED_AFTER_THE_END, None)
    elif payment.review_reason != MONEY_MOVED_AFTER_THE_END:
        event = _event_of(payment, seen)
        if event and payments.allows(payment.status, event) and _is_news(transaction, event, answers):
            yield event


def of_refund(transaction: Transaction, seen: RefundSnapshot) -> Iterator[EventData]:
    refund = transaction.refunds.get(seen.refund_id)
    if refund is None or refund.amount_minor != seen.amount_minor:
        raise InvariantBroken(f"{transaction.id}: the provider's refund {seen.refund_id} is not one of ours")
    event: RefundEvent
    match seen.status:
        case RefundStatus.PENDING | RefundStatus.UNKNOWN | RefundStatus.MANUAL_REVIEW:
            event = RefundPending(seen.refund_id, seen.provider_refund)
            if refund.provider_refund and refund.status is RefundStatus.PENDING:
                return  # known already
        case RefundStatus.SUCCEEDED:
            event = RefundSucceeded(seen.refund_id, seen.provider_refund)
        case RefundStatus.FAILED:
            event = RefundFailed(seen.refund_id, seen.provider_refund, seen.failure_reason)
        case RefundStatus.CANCELED:
            event = RefundCanceled(seen.refund_id, seen.provider_refund)
        case _:
            assert_never(seen.status)
    if refunds.allows(refund.status, event):
        yield event


def _same_payment(payment: Payment, seen: IntentSnapshot) -> None:
    money = payment.terms.money
    if (seen.amount_minor, seen.currency) != (money.amount_minor, money.currency):
        raise InvariantBroken(
            f"{seen.intent} is about {seen.amount_minor} {seen.currency}, not about {money}"
        )
    if payment.intent not in (None, seen.intent):
        raise InvariantBroken(f"{seen.intent} is not the payment's intent, {payment.intent}")


def _event_of(payment: Payment, seen: IntentSnapshot) -> PaymentEvent | None:
    match seen.status:
        case IntentStatus.PROCESSING:
            return PaymentProcessing(seen.intent, seen.charge)
        case IntentStatus.REQUIRES_ACTION:
            return PaymentActionRequired(seen.intent, seen.next_action)
        case IntentStatus.AUTHORIZED if seen.amount_captured_minor > payment.amount_captured_minor:
            return PaymentCaptured(seen.intent, seen.charge, seen.amount_captured_minor, final=False)
        case IntentStatus.AUTHORIZED:
            authorized = seen.amount_capturable_minor + seen.amount_captured_minor
            return PaymentAuthorized(seen.intent, seen.charge, authorized, seen.authorized_until)
        case IntentStatus.CAPTURED:
            return PaymentCaptured(seen.intent, seen.charge, seen.amount_captured_minor, final=True)
        case IntentStatus.CANCELED:
            return PaymentCanceled(seen.cancellation_reason)
        case IntentStatus.FAILED:
            return PaymentDeclined(seen.decline or _UNEXPLAINED, seen.intent)
    assert_never(seen.status)


def _is_news(transaction: Transaction, event: PaymentEvent, answers: OpenCall | None) -> bool:
    """A webhook may be days old: what it says of a payment with a later call under way is evidence only if it ends things."""
    match event:
        case PaymentAuthorized() | PaymentActionRequired() | PaymentProcessing() | PaymentDeclined():
            call = transaction.payment_call()
            is_later = call is not None and call.call.operation is not Operation.CREATE
            if is_later:  # only the later call's own answer can say that it came to nothing
                return answers is call
            payment = transaction.payment
            return not (isinstance(event, PaymentProcessing) and payment and payment.intent and call is None)
    return True
