"""What the provider's word about a payment or a refund leads to. It moves things forward or not at all.

The same evidence comes as the answer to a call and as a webhook, in any order and any number of times. So a snapshot is
compared with what is known: the events it leads to are those that are legal moves from here, and nothing when it tells
nothing new.
"""

from collections.abc import Iterator
from typing import assert_never

from models import payment as payments
from models import refund as refunds
from models.calls import OpenCall
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
from models.provider import (
    Decline,
    IntentSnapshot,
    IntentStatus,
    Operation,
    RefundSnapshot,
    RefundStatus,
)
from models.refund import Refund
from models.terms import CaptureMethod
from models.transaction import Transaction

ENDS = (IntentStatus.CAPTURED, IntentStatus.CANCELED)
MONEY_MOVED_AFTER_THE_END = "the provider took the money after the payment had ended here"
MONEY_HELD_AFTER_THE_END = "the customer's money is held at the provider after the payment had ended here"
_UNEXPLAINED = Decline("payment_failed", None, None, "The payment failed; the provider gave no reason.")


class Outdated(InvariantBroken):
    """An answer from before what is known: the next one will say more."""


def of_intent(
    transaction: Transaction, seen: IntentSnapshot, answers: OpenCall | None
) -> Iterator[EventData]:
    """`answers`: the open call that `seen` is the answer to; None when we were told unasked."""
    payment = transaction.payment
    if payment is None:
        raise InvariantBroken(
            f"{transaction.id}: the provider knows intent {seen.intent}, we know no payment"
        )
    if _is_not_asked_for(transaction):
        raise InvariantBroken(f"{transaction.id}: {seen.intent} is at the provider before it was asked for")
    _same_payment(payment, seen)
    moving = answers is not None and answers.call.operation is not Operation.READ
    if answers and moving and seen.amount_captured_minor < payment.amount_captured_minor:
        raise Outdated(f"{answers.call.key}: the answer is older than what we know of {seen.intent}")
    ended = payment.status in payments.CAME_TO_NOTHING
    if ended and seen.amount_captured_minor > payment.amount_captured_minor:
        yield PaymentReviewRequired(MONEY_MOVED_AFTER_THE_END, None, seen.intent)
    elif ended and seen.status is IntentStatus.AUTHORIZED:
        yield PaymentReviewRequired(MONEY_HELD_AFTER_THE_END, None, seen.intent)
    elif payment.has_ended:
        # its client was told how it ended: only that nothing came of it lifts the review; all else is a person's
        nothing_came = seen.amount_captured_minor == payment.amount_captured_minor
        lifted = payment.review_reason not in (None, MONEY_MOVED_AFTER_THE_END)
        if lifted and seen.status is IntentStatus.CANCELED and nothing_came:
            yield _event_of(seen)
    else:
        status = payment.status
        for event in _events_of(payment, seen):
            after = payments.TRANSITIONS.get((status, payments.move(event)))
            if after is None or not _is_news(transaction, payment, event, answers):
                return
            yield event
            status = after


def doubt(transaction: Transaction, seen: IntentSnapshot) -> str | None:
    """Why what we were told unasked does not simply follow from what is known. None: it does, or it tells nothing new.

    Another payment's intent is no doubt but a lie, and so is one that was not asked for yet: `of_intent` says so. A failed
    attempt is an end here and none at the provider, once the customer can try again: until the creation is answered nobody can.
    """
    payment = transaction.payment
    if payment is None or payment.intent not in (None, seen.intent) or _is_not_asked_for(transaction):
        return None
    try:
        events = list(of_intent(transaction, seen, None))
    except InvariantBroken as contradiction:
        return str(contradiction)
    match events:
        case []:
            return None
        case [PaymentReviewRequired(reason)]:
            return reason
        case [PaymentCaptured()] if _by_hand(payment) and not _is_asked(transaction, Operation.CAPTURE):
            return "captured, which nobody asked for here"
        case [PaymentDeclined()] if not _is_asked(transaction, Operation.CREATE):
            return "an attempt failed, and the customer may have made another since"
        case [_]:
            return None
    return "several steps at once"


def _is_not_asked_for(transaction: Transaction) -> bool:
    under_way = transaction.payment_call()
    return under_way is not None and under_way.call.operation is Operation.SCREEN


def _by_hand(payment: Payment) -> bool:
    return payment.terms.capture_method is CaptureMethod.MANUAL


def _is_asked(transaction: Transaction, operation: Operation) -> bool:
    return any(call.call.operation is operation for call in transaction.calls.values())


def of_refund(transaction: Transaction, seen: RefundSnapshot) -> Iterator[EventData]:
    refund = transaction.refunds.get(seen.refund_id)
    if refund is None or refund.amount_minor != seen.amount_minor:
        raise InvariantBroken(f"{transaction.id}: the provider's refund {seen.refund_id} is not one of ours")
    _same_refund(transaction, refund, seen)
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
    if not 0 <= seen.amount_captured_minor <= seen.amount_minor - seen.amount_capturable_minor:
        raise InvariantBroken(f"{seen.intent} has more captured and capturable than it is about")
    if (
        seen.status is IntentStatus.CAPTURED
        and not 0 < seen.amount_captured_minor >= payment.amount_captured_minor
    ):
        raise InvariantBroken(
            f"{seen.intent} ended with {seen.amount_captured_minor} captured, {payment.amount_captured_minor} was before"
        )
    both_ended = payment.status is PaymentStatus.CAPTURED and seen.status in ENDS
    if both_ended and seen.amount_captured_minor != payment.amount_captured_minor:
        raise InvariantBroken(
            f"{seen.intent} is {seen.status} with {seen.amount_captured_minor} captured, here are"
            f" {payment.amount_captured_minor}"
        )


def _same_refund(transaction: Transaction, refund: Refund, seen: RefundSnapshot) -> None:
    currency = transaction.payment.terms.money.currency if transaction.payment else None
    if seen.currency != currency or refund.provider_refund not in (None, seen.provider_refund):
        raise InvariantBroken(
            f"{seen.refund_id}: {seen.provider_refund} is another refund than the one we know"
        )
    was_turned_away = refund.status is RefundStatus.FAILED and refund.provider_refund is None
    if was_turned_away and seen.status in (RefundStatus.PENDING, RefundStatus.SUCCEEDED):
        raise InvariantBroken(f"{seen.refund_id}: the provider refused this refund and has it all the same")
    if refund.status is RefundStatus.CANCELED and seen.status is RefundStatus.SUCCEEDED:
        raise InvariantBroken(f"{seen.refund_id}: the provider made this refund, which was canceled")


def _events_of(payment: Payment, seen: IntentSnapshot) -> Iterator[PaymentEvent]:
    """What must have happened since, in order: a snapshot may stand for several steps whose own notices come later."""
    captured = seen.amount_captured_minor
    if captured == payment.amount_captured_minor or seen.status is IntentStatus.CAPTURED:
        yield _event_of(seen)
        return
    if captured > payment.amount_captured_minor:
        if payment.amount_authorized_minor == 0:
            yield _authorized(seen)
        yield PaymentCaptured(seen.intent, seen.charge, captured, final=False)
    if seen.status is not IntentStatus.AUTHORIZED:
        yield _event_of(seen)


def _authorized(seen: IntentSnapshot) -> PaymentAuthorized:
    amount = seen.amount_capturable_minor + seen.amount_captured_minor
    if seen.status is IntentStatus.CANCELED:
        amount = seen.amount_minor  # the rest was released; it had been authorised as a whole
    return PaymentAuthorized(seen.intent, seen.charge, amount, seen.authorized_until)


def _event_of(seen: IntentSnapshot) -> PaymentEvent:
    match seen.status:
        case IntentStatus.PROCESSING:
            return PaymentProcessing(seen.intent, seen.charge)
        case IntentStatus.REQUIRES_ACTION:
            return PaymentActionRequired(seen.intent, seen.next_action, seen.client_secret)
        case IntentStatus.AUTHORIZED:
            return _authorized(seen)
        case IntentStatus.CAPTURED:
            return PaymentCaptured(seen.intent, seen.charge, seen.amount_captured_minor, final=True)
        case IntentStatus.CANCELED:
            return PaymentCanceled(seen.cancellation_reason, seen.intent, seen.charge)
        case IntentStatus.FAILED:
            return PaymentDeclined(seen.decline or _UNEXPLAINED, seen.intent)
    assert_never(seen.status)


def _is_news(
    transaction: Transaction, payment: Payment, event: PaymentEvent, answers: OpenCall | None
) -> bool:
    """Whether `event` is later than what is known. A webhook may be days old, and a payment only goes forward:

    requires_action, processing, authorised or declined, captured or canceled. An end is always news. So is the first
    word about a payment, and the answer to a later call: only that can say that the call came to nothing. An authorisation that
    is known is news once more where only now it is said until when: Stripe's notices do not say it, and may be first.
    """
    if isinstance(event, PaymentAuthorized) and payment.status is PaymentStatus.AUTHORIZED:
        return payment.authorized_until is None and event.authorized_until is not None
    call = transaction.payment_call()
    if call is not None and (call is answers or call.call.operation is Operation.CREATE):
        return True
    if call is None and answers is not None:  # a look, when nothing is under way that it might have missed
        return not (isinstance(event, PaymentProcessing) and payment.status is PaymentStatus.PROCESSING)
    match event:
        case PaymentAuthorized() | PaymentDeclined():
            return payment.amount_authorized_minor == 0
        case PaymentProcessing():
            return call is None and payment.status is PaymentStatus.REQUIRES_ACTION
        case PaymentActionRequired():
            return False
    return True
