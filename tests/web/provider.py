"""What a provider that works would say to each call. Holds no tests."""

from datetime import timedelta

from models.provider import (
    Answered,
    CancelIntent,
    CaptureIntent,
    CreateIntent,
    Decline,
    Declined,
    IntentSnapshot,
    IntentStatus,
    Outcome,
    PspCall,
    RefundIntent,
    RefundSnapshot,
    RefundStatus,
)
from models.terms import CaptureMethod
from models.transaction import Transaction


def outcome_of(call: PspCall, known: Transaction) -> Outcome:
    """What a provider that works would say."""
    match call.ask:
        case CreateIntent(terms):
            intent = f"pi_{call.payment_id[4:]}"
            if terms.payment_method == "pm_card_chargeDeclined":
                return Declined(
                    Decline("card_declined", "generic_decline", None, "Your card was declined."), intent
                )
            money, manual = terms.money, terms.capture_method is CaptureMethod.MANUAL
            return Answered(
                IntentSnapshot(
                    intent,
                    IntentStatus.AUTHORIZED if manual else IntentStatus.CAPTURED,
                    money.currency,
                    money.amount_minor,
                    amount_capturable_minor=money.amount_minor if manual else 0,
                    amount_captured_minor=0 if manual else money.amount_minor,
                    charge="ch_1",
                    authorized_until=call.requested_at + timedelta(days=7) if manual else None,
                )
            )
        case CaptureIntent(intent, amount, _):
            status, captured = IntentStatus.CAPTURED, amount
        case CancelIntent(intent, _):
            status, captured = IntentStatus.CANCELED, 0
        case RefundIntent(_, refund_id, amount, _):
            currency = known.payment.terms.money.currency  # type: ignore[union-attr]
            return Answered(RefundSnapshot(refund_id, "re_stripe", RefundStatus.SUCCEEDED, currency, amount))
    money = known.payment.terms.money  # type: ignore[union-attr]
    return Answered(
        IntentSnapshot(intent, status, money.currency, money.amount_minor, amount_captured_minor=captured)
    )
