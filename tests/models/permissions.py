"""What a merchant may do with a payment, and what its policy permits, said a second time: the accepted must keep to it.

Nothing here looks at the rules of `models/rules.py`; that they say the same is what is tested.
"""

from datetime import timedelta

from models.commands import CancelPayment, CapturePayment, CreatePayment, CreateRefund, PublicCommand
from models.events import CommandRefused, Event
from models.payment import PaymentStatus
from models.policy import AmountLimits, Policy
from models.transaction import Transaction


def check_permitted(
    before: Transaction | None, command: PublicCommand, policy: Policy, events: list[Event]
) -> None:
    """Whatever was accepted was permitted. A refusal has a sentence, and is the only thing that happened."""
    refusals = [event.data for event in events if isinstance(event.data, CommandRefused)]
    if events and events[0].data in refusals:
        assert len(events) == 1 and refusals[0].message
        return
    if not any(event.opens for event in events):
        return
    match command:
        case CreatePayment():
            assert before is None or before.payment is None, "two payments under one id"
            _check_create(command, policy)
        case CapturePayment():
            assert before and before.payment and before.payment.status is PaymentStatus.AUTHORIZED
            left = before.payment.amount_authorized_minor - before.payment.amount_captured_minor
            assert 0 < (command.amount_minor or left) <= left, "more than was authorised"
            assert not before.payment_call(), "two things under way with one payment"
        case CancelPayment():
            assert before and not before.payment_call(), "two things under way with one payment"
        case CreateRefund():
            assert before
            _check_refund(before, command, policy)


def _check_create(command: CreatePayment, policy: Policy) -> None:
    money = command.terms.money
    limits = policy.amounts.get(money.currency, AmountLimits())
    assert policy.currencies is None or money.currency in policy.currencies, "not the merchant's currency"
    assert (limits.minimum_minor or 0) <= money.amount_minor, "below the merchant's limit"
    assert money.amount_minor <= (limits.maximum_minor or money.amount_minor), "above the merchant's limit"
    assert command.origin.age_s <= 20 * 3600, "a create so old that its key may be forgotten"


def _check_refund(before: Transaction, command: CreateRefund, policy: Policy) -> None:
    assert before.payment
    taken = sum(r.amount_minor for r in before.refunds.values() if r.status not in ("failed", "canceled"))
    left = before.payment.amount_captured_minor - taken
    assert 0 < (command.amount_minor or left) <= left, "more than is left"
    assert command.expected_refundable_minor in (None, left), "not what its sender expected"
    assert all(dispute.refundable for dispute in before.disputes.values()), "charged back and refunded"
    since, days = before.payment.captured_at, policy.refund_window_days
    assert since and (days is None or command.origin.at <= since + timedelta(days=days)), "too late"
