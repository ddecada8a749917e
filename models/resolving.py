"""What a person's word about a payment or refund in doubt leads to. Only what no machine could know is for a person."""

from collections.abc import Sequence

from models import payment as payments
from models import refund as refunds
from models.codes import Code
from models.commands import ResolvePayment
from models.events import (
    EventData,
    PaymentAuthorized,
    PaymentCanceled,
    PaymentCaptured,
    PaymentDeclined,
    RefundCanceled,
    RefundFailed,
    RefundSucceeded,
    ReviewResolved,
)
from models.fields import PAYMENT_RESOLUTIONS, REFUND_RESOLUTIONS
from models.policy import Policy
from models.provider import CaptureIntent, CreateIntent, Decline, PspCall, RefundIntent
from models.recheck import key_is_too_old, key_too_old_at
from models.rules import Refusal, Rule, payment_exists, payment_of
from models.terms import CaptureMethod
from models.transaction import Transaction

NEVER_MADE = frozenset({"declined", "failed", "canceled"})
"""Words after which the money counts as never moved."""
NEVER_CAPTURED = frozenset({"authorized", "declined"})
"""The same of a capture. What is canceled at the provider is so for good, and takes none any more."""

_DECLINED = Decline("resolved_as_declined", None, None, "An operator found that the payment was not made.")


def resolved(command: ResolvePayment) -> ReviewResolved:
    return ReviewResolved(command.resolution, command.evidence, command.operator, command.refund_id)


def happened(known: Transaction, command: ResolvePayment) -> EventData:
    """What a person's word stands for; it keeps to the rules below."""
    return _of_payment(known, command) if command.refund_id is None else _of_refund(known, command)


def _of_payment(known: Transaction, command: ResolvePayment) -> EventData:
    payment = payment_of(known)
    intent, all_of_it = command.intent or payment.intent, payment.terms.money.amount_minor
    match command.resolution:
        case "captured":
            assert intent is not None  # a rule has asked for it
            return _captured(known, command, intent)
        case "authorized":
            assert intent is not None
            authorized = command.amount_minor or payment.amount_authorized_minor or all_of_it
            return PaymentAuthorized(intent, payment.charge, authorized, payment.authorized_until)
        case "canceled":
            return PaymentCanceled(None, intent, payment.charge)
    return PaymentDeclined(_DECLINED, intent)


def _captured(known: Transaction, command: ResolvePayment, intent: str) -> PaymentCaptured:
    """What was asked for last, where that is in doubt; else what is said, or all of it."""
    payment, call = payment_of(known), known.payment_call()
    if command.amount_minor is None and call and isinstance(call.call.ask, CaptureIntent):
        captured = payment.amount_captured_minor + call.call.ask.amount_minor
        return PaymentCaptured(intent, payment.charge, captured, call.call.ask.final)
    captured = command.amount_minor or payment.amount_authorized_minor or payment.terms.money.amount_minor
    return PaymentCaptured(intent, payment.charge, captured, final=True)


def _of_refund(known: Transaction, command: ResolvePayment) -> EventData:
    assert command.refund_id is not None
    at_provider = known.refunds[command.refund_id].provider_refund
    match command.resolution:
        case "succeeded":
            return RefundSucceeded(command.refund_id, at_provider)
        case "canceled":
            return RefundCanceled(command.refund_id, at_provider)
    return RefundFailed(command.refund_id, at_provider, "resolved_as_failed")


def _amount_is_open(transaction: Transaction, command: ResolvePayment) -> bool:
    """A capture by hand takes what it says, and the call that said it was given up."""
    payment = payment_of(transaction)
    by_hand = payment.intent is not None and payment.terms.capture_method is CaptureMethod.MANUAL
    given_up = by_hand and transaction.payment_call() is None
    return command.resolution == "captured" and command.amount_minor is None and given_up


def is_in_doubt(transaction: Transaction, command: ResolvePayment, policy: Policy) -> Refusal | None:
    status: str = payment_of(transaction).status
    doubtful: frozenset[str] = payments.IN_DOUBT
    if command.refund_id is not None:
        refund = transaction.refunds.get(command.refund_id)
        if refund is None:
            return Refusal(Code.NOT_FOUND, "there is no such refund of this payment")
        status, doubtful = refund.status, refunds.IN_DOUBT
    if status not in doubtful:
        return Refusal(Code.PAYMENT_STATE_CONFLICT, f"it is {status}, and nobody doubts it")
    return None


def resolution_is_possible(
    transaction: Transaction, command: ResolvePayment, policy: Policy
) -> Refusal | None:
    possible = PAYMENT_RESOLUTIONS if command.refund_id is None else REFUND_RESOLUTIONS
    if command.resolution not in possible:
        return Refusal(Code.RESOLUTION_INVALID, "the resolution must be one of " + ", ".join(possible))
    return None


def resolution_names_the_intent(
    transaction: Transaction, command: ResolvePayment, policy: Policy
) -> Refusal | None:
    known = payment_of(transaction).intent
    if command.resolution in ("captured", "authorized") and not (known or command.intent):
        return Refusal(
            Code.RESOLUTION_INVALID, "name the provider's payment (payment_intent): none is known here"
        )
    if None not in (known, command.intent) and known != command.intent:
        return Refusal(Code.RESOLUTION_INVALID, "the payment is known under another payment_intent")
    return None


def resolved_amount_is_possible(
    transaction: Transaction, command: ResolvePayment, policy: Policy
) -> Refusal | None:
    payment = payment_of(transaction)
    if command.refund_id is not None and command.amount_minor is not None:
        return Refusal(Code.RESOLUTION_INVALID, "a refund's amount is what it was asked for with")
    if command.resolution in ("canceled", "declined") and command.amount_minor is not None:
        return Refusal(
            Code.RESOLUTION_INVALID, f"a payment that was {command.resolution} has no amount to name"
        )
    if _amount_is_open(transaction, command):
        return Refusal(
            Code.RESOLUTION_INVALID, "say how much was captured in all: it may have been less than all"
        )
    least, most = payment.amount_captured_minor, payment.terms.money.amount_minor
    if command.resolution == "captured":
        most = payment.amount_authorized_minor or most
    if command.resolution in ("canceled", "declined") and command.refund_id is None and least:
        return Refusal(Code.RESOLUTION_INVALID, f"{least} (minor units) of it were captured")
    if command.amount_minor is not None and not max(least, 1) <= command.amount_minor <= most:
        return Refusal(Code.RESOLUTION_INVALID, f"the amount must be {max(least, 1)} to {most} (minor units)")
    return None


def nothing_may_still_be_made(
    transaction: Transaction, command: ResolvePayment, policy: Policy
) -> Refusal | None:
    """By a gateway that had slept: while its key is young, what is said never to have been made may be made yet, beside what the
    merchant then asks for instead.
    """
    making = _making(transaction, command)
    if making is None or not _denies(transaction, command, making):
        return None
    if key_is_too_old(making.requested_at, command.origin.at):
        return None
    until = key_too_old_at(making.requested_at).isoformat(timespec="seconds")
    return Refusal(
        Code.PAYMENT_STATE_CONFLICT,
        f"until {until} it may still be made at the provider, where it is not seen yet",
    )


def _making(transaction: Transaction, command: ResolvePayment) -> PspCall | None:
    """The open call that moves the money in doubt, where nobody has seen it at the provider."""
    refund_id = command.refund_id
    for call in transaction.calls.values():
        match call.call.ask:
            case CreateIntent() if refund_id is None and not (
                payment_of(transaction).intent or command.intent
            ):
                return call.call
            case CaptureIntent() if refund_id is None:
                return call.call
            case RefundIntent() if call.call.ask.refund_id == refund_id:
                return None if transaction.refunds[refund_id].provider_refund else call.call
    return None


def _denies(transaction: Transaction, command: ResolvePayment, making: PspCall) -> bool:
    """Of a capture also who names less than it asked for."""
    if not isinstance(making.ask, CaptureIntent):
        return command.resolution in NEVER_MADE
    all_of_it = payment_of(transaction).amount_captured_minor + making.ask.amount_minor
    less = command.resolution == "captured" and (command.amount_minor or all_of_it) < all_of_it
    return less or command.resolution in NEVER_CAPTURED


RESOLVE: Sequence[Rule[ResolvePayment]] = (
    payment_exists,
    is_in_doubt,
    resolution_is_possible,
    resolution_names_the_intent,
    resolved_amount_is_possible,
    nothing_may_still_be_made,
)
