"""What a payment, a capture, a cancellation or a refund must keep to: lists of small named functions.

Each looks at the transaction, the command and the merchant's policy and returns a `Refusal` or None; the first one that
objects decides, and is named with the refusal.
"""

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NamedTuple, TypeVar

from models.codes import Code
from models.commands import CancelPayment, CapturePayment, CreatePayment, CreateRefund
from models.money import AMOUNT_MAX_MINOR, CURRENCIES
from models.payment import TRANSITIONS as PAYMENT_TRANSITIONS
from models.payment import Payment, PaymentMove
from models.policy import AmountLimits, Policy
from models.recheck import CREATE_AGE_MAX_S
from models.transaction import CANCELS_MAX, Transaction

REFUNDS_MAX = 200
"""Refunds of one payment; 200 of them, their calls open and their command ids long, are some 350 kB of its row."""

REFUNDS_METADATA_MAX_BYTES = 250_000
"""Of all refunds of one payment, as JSON. A row or an event of more than 900 kB cannot be kept: what led to it would lie
among the dead letters, accepted and never answered."""

CAPTURES_MAX = 50
"""Capture commands accepted on one payment."""


C = TypeVar("C")


class Refusal(NamedTuple):
    code: Code
    message: str
    rule: str | None = None


Rule = Callable[[Transaction, C, Policy], Refusal | None]


def refused(rules: Sequence[Rule[C]], known: Transaction, command: C, policy: Policy) -> Refusal | None:
    """The first objection of `rules`, under the name of the rule that has it."""
    for rule in rules:
        if objection := rule(known, command, policy):
            return objection._replace(rule=rule.__name__)
    return None


def payment_of(transaction: Transaction) -> Payment:
    assert transaction.payment is not None  # the first rule of each list has looked
    return transaction.payment


def no_payment_yet(transaction: Transaction, command: CreatePayment, policy: Policy) -> Refusal | None:
    if transaction.payment is not None:
        return Refusal(
            Code.PAYMENT_STATE_CONFLICT, "another command has already made a payment under this id"
        )
    return None


def not_too_old_to_create(transaction: Transaction, command: CreatePayment, policy: Policy) -> Refusal | None:
    if command.origin.age_s > CREATE_AGE_MAX_S:
        return Refusal(Code.COMMAND_EXPIRED, f"the command waited longer than {CREATE_AGE_MAX_S // 3600} h")
    return None


def currency_is_supported(transaction: Transaction, command: CreatePayment, policy: Policy) -> Refusal | None:
    if command.terms.money.currency not in CURRENCIES:
        return Refusal(Code.CURRENCY_UNSUPPORTED, "payments cannot be made in this currency")
    return None


def amount_is_chargeable(transaction: Transaction, command: CreatePayment, policy: Policy) -> Refusal | None:
    money, currency = command.terms.money, CURRENCIES[command.terms.money.currency]
    if money.amount_minor < currency.minimum_minor:
        return Refusal(
            Code.AMOUNT_TOO_SMALL, f"at least {currency.minimum_minor} {money.currency} (minor units)"
        )
    if money.amount_minor > AMOUNT_MAX_MINOR:
        return Refusal(Code.AMOUNT_TOO_LARGE, f"at most {AMOUNT_MAX_MINOR} {money.currency} (minor units)")
    if money.amount_minor % currency.step_minor:
        return Refusal(
            Code.VALIDATION_FAILED, f"amounts in {money.currency} are multiples of {currency.step_minor}"
        )
    return None


def currency_is_the_merchants(
    transaction: Transaction, command: CreatePayment, policy: Policy
) -> Refusal | None:
    if policy.currencies is not None and command.terms.money.currency not in policy.currencies:
        return Refusal(Code.CURRENCY_UNSUPPORTED, "the merchant takes no payments in this currency")
    return None


def amount_is_within_the_merchants_limits(
    transaction: Transaction, command: CreatePayment, policy: Policy
) -> Refusal | None:
    money = command.terms.money
    least, most = _limits(policy, money.currency)
    if least is not None and money.amount_minor < least:
        return Refusal(
            Code.AMOUNT_TOO_SMALL, f"the merchant takes {least} {money.currency} (minor units) or more"
        )
    if most is not None and money.amount_minor > most:
        return Refusal(
            Code.AMOUNT_TOO_LARGE, f"the merchant takes {most} {money.currency} (minor units) or less"
        )
    return None


def _limits(policy: Policy, currency: str) -> tuple[int | None, int | None]:
    limits = policy.amounts.get(currency, AmountLimits())
    return limits.minimum_minor, limits.maximum_minor


def payment_exists(transaction: Transaction, command: object, policy: Policy) -> Refusal | None:
    if transaction.payment is None:
        return Refusal(Code.NOT_FOUND, "there is no such payment")
    return None


def nothing_else_is_under_way(transaction: Transaction, command: object, policy: Policy) -> Refusal | None:
    if call := transaction.payment_call():
        return Refusal(
            Code.PAYMENT_STATE_CONFLICT, f"a {call.call.operation} of this payment is still under way"
        )
    return None


def can_be_captured(transaction: Transaction, command: CapturePayment, policy: Policy) -> Refusal | None:
    status = payment_of(transaction).status
    if (status, PaymentMove.CAPTURE_REQUESTED) not in PAYMENT_TRANSITIONS:
        return Refusal(Code.PAYMENT_STATE_CONFLICT, f"a payment that is {status} cannot be captured")
    return None


def capture_is_within_authorized(
    transaction: Transaction, command: CapturePayment, policy: Policy
) -> Refusal | None:
    capturable = payment_of(transaction).amount_capturable_minor
    if capturable <= 0 or (command.amount_minor or 0) > capturable:
        return Refusal(Code.CAPTURE_EXCEEDS_AUTHORIZED, f"{capturable} (minor units) can be captured")
    return None


def capture_is_not_one_too_many(
    transaction: Transaction, command: CapturePayment, policy: Policy
) -> Refusal | None:
    if transaction.attempts.get("capture", 0) >= CAPTURES_MAX:
        return Refusal(Code.LIMIT_EXCEEDED, f"at most {CAPTURES_MAX} captures of one payment")
    return None


def can_be_canceled(transaction: Transaction, command: CancelPayment, policy: Policy) -> Refusal | None:
    payment = payment_of(transaction)
    if (payment.status, PaymentMove.CANCEL_REQUESTED) not in PAYMENT_TRANSITIONS:
        return Refusal(Code.PAYMENT_STATE_CONFLICT, f"a payment that is {payment.status} cannot be canceled")
    return None


def cancel_is_not_one_too_many(
    transaction: Transaction, command: CancelPayment, policy: Policy
) -> Refusal | None:
    if transaction.attempts.get("cancel", 0) >= CANCELS_MAX:
        return Refusal(Code.LIMIT_EXCEEDED, f"at most {CANCELS_MAX} cancellations of one payment")
    return None


def refund_is_new(transaction: Transaction, command: CreateRefund, policy: Policy) -> Refusal | None:
    if command.refund_id in transaction.refunds:
        return Refusal(Code.REFUND_EXISTS, "another command has already made a refund under this id")
    if len(transaction.refunds) >= REFUNDS_MAX:
        return Refusal(Code.LIMIT_EXCEEDED, f"at most {REFUNDS_MAX} refunds of one payment")
    return None


def refund_metadata_fits(transaction: Transaction, command: CreateRefund, policy: Policy) -> Refusal | None:
    if not command.metadata:
        return None
    kept = [refund.metadata for refund in transaction.refunds.values() if refund.metadata]
    if len(json.dumps([*kept, command.metadata], ensure_ascii=False).encode()) > REFUNDS_METADATA_MAX_BYTES:
        message = (
            f"the metadata of one payment's refunds take at most {REFUNDS_METADATA_MAX_BYTES} bytes in all"
        )
        return Refusal(Code.LIMIT_EXCEEDED, message)
    return None


def something_was_captured(transaction: Transaction, command: CreateRefund, policy: Policy) -> Refusal | None:
    payment = payment_of(transaction)
    if payment.amount_captured_minor == 0:
        message = f"a payment that is {payment.status} has nothing captured to refund"
        return Refusal(Code.PAYMENT_STATE_CONFLICT, message)
    return None


def payment_is_not_charged_back(
    transaction: Transaction, command: CreateRefund, policy: Policy
) -> Refusal | None:
    for dispute in transaction.disputes.values():
        if not dispute.refundable:
            message = f"the payment is disputed ({dispute.status}): its money is the dispute's"
            return Refusal(Code.PAYMENT_DISPUTED, message)
    return None


def refund_is_within_the_window(
    transaction: Transaction, command: CreateRefund, policy: Policy
) -> Refusal | None:
    days, captured_at = policy.refund_window_days, payment_of(transaction).captured_at
    if days is not None and captured_at and command.origin.at > captured_at + timedelta(days=days):
        return Refusal(Code.REFUND_WINDOW_CLOSED, f"the merchant refunds up to {days} days after the capture")
    return None


def refundable_is_as_expected(
    transaction: Transaction, command: CreateRefund, policy: Policy
) -> Refusal | None:
    refundable = transaction.amount_refundable_minor
    if command.expected_refundable_minor not in (None, refundable):
        return Refusal(Code.REFUNDABLE_MISMATCH, f"{refundable} (minor units) is refundable")
    return None


def refund_is_within_refundable(
    transaction: Transaction, command: CreateRefund, policy: Policy
) -> Refusal | None:
    refundable = transaction.amount_refundable_minor
    if refundable <= 0 or (command.amount_minor or 0) > refundable:
        return Refusal(Code.REFUND_EXCEEDS_REFUNDABLE, f"{refundable} (minor units) is refundable")
    return None


CREATE: Sequence[Rule[CreatePayment]] = (
    no_payment_yet,
    not_too_old_to_create,
    currency_is_supported,
    amount_is_chargeable,
    currency_is_the_merchants,
    amount_is_within_the_merchants_limits,
)
CAPTURE: Sequence[Rule[CapturePayment]] = (
    payment_exists,
    can_be_captured,
    nothing_else_is_under_way,
    capture_is_within_authorized,
    capture_is_not_one_too_many,
)
CANCEL: Sequence[Rule[CancelPayment]] = (
    payment_exists,
    can_be_canceled,
    nothing_else_is_under_way,
    cancel_is_not_one_too_many,
)
REFUND: Sequence[Rule[CreateRefund]] = (
    payment_exists,
    refund_is_new,
    something_was_captured,
    payment_is_not_charged_back,
    refund_is_within_the_window,
    refundable_is_as_expected,
    refund_is_within_refundable,
    refund_metadata_fits,
)
