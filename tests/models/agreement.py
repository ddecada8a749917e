"""What must hold once everything is heard: our books are the provider's, and the order of the hearing does not show."""

from models.payment import CAME_TO_NOTHING, PaymentStatus
from models.provider import IntentStatus, Operation, RefundStatus
from models.transaction import Transaction
from tests.models.honest_provider import HonestProvider
from tests.models.world import World

_S = PaymentStatus
SHOWN: dict[IntentStatus, set[PaymentStatus]] = {
    IntentStatus.PROCESSING: {_S.PROCESSING, _S.MANUAL_REVIEW},
    IntentStatus.REQUIRES_ACTION: {_S.REQUIRES_ACTION, _S.MANUAL_REVIEW},
    IntentStatus.AUTHORIZED: {_S.AUTHORIZED},
    IntentStatus.CAPTURED: {_S.CAPTURED},
    IntentStatus.CANCELED: {_S.CANCELED, _S.DECLINED, _S.CAPTURED},  # what was declined is canceled there
    IntentStatus.FAILED: {_S.MANUAL_REVIEW},  # a person's, as it could not be canceled
}
"""Where we may stand once the provider stands there."""


def essence(known: Transaction) -> dict[str, object]:
    """All that a reader can see of the end, but for times, reasons and the number of the steps."""
    payment = known.payment
    assert payment
    return {
        "payment": (payment.status, payment.intent, payment.charge, payment.amount_captured_minor),
        "refunds": {id: (refund.status, refund.amount_minor) for id, refund in known.refunds.items()},
        "disputes": {
            id: (d.status, d.amount_minor, d.withdrawn, d.reinstated, d.refundable)
            for id, d in known.disputes.items()
        },
        "refundable": known.amount_refundable_minor,
    }


def check_agreement(world: World) -> None:
    ours, provider = world.known, world.provider
    assert ours.payment
    assert not ours.calls and not world.history.open_commands, "something is open for ever"
    for id, refund in ours.refunds.items():
        there = provider.refunds.get(id)
        assert refund.status is (there.status if there else RefundStatus.FAILED)
    assert set(provider.refunds) <= set(ours.refunds)
    assert {d.dispute_id for d in provider.bank.disputes.values()} == set(ours.disputes)
    for seen in provider.bank.disputes.values():
        dispute = ours.disputes[seen.dispute_id]
        assert (dispute.status, dispute.amount_held_minor) == (
            seen.status,
            seen.amount_minor if seen.withdrawn and not seen.reinstated else 0,
        )
    _check_payment(ours, provider)
    held = ours.amount_refunded_minor + ours.amount_refund_pending_minor + ours.amount_disputed_minor
    assert ours.payment.amount_captured_minor - held == provider.balance_minor, "money is not conserved"


def _check_payment(ours: Transaction, provider: HonestProvider) -> None:
    theirs, payment = provider.intent, ours.payment
    assert payment
    assert provider.charges <= 1
    if payment.decline and payment.decline.code == "velocity_exceeded":
        assert theirs is None, "turned away, and charged"
    if theirs is None:
        assert payment.status is PaymentStatus.DECLINED
        return
    if payment.status is PaymentStatus.MANUAL_REVIEW and payment.intent is None:
        # given up before its intent was known, and what came since was no end: a person still has it
        assert theirs.status in (IntentStatus.PROCESSING, IntentStatus.REQUIRES_ACTION)
        return
    assert payment.intent == theirs.intent
    assert payment.amount_captured_minor == theirs.amount_captured_minor
    tried_to_cancel = ours.attempts.get(Operation.CANCEL, 0) > 0
    if theirs.status is IntentStatus.PROCESSING and tried_to_cancel:
        # heard while the cancellation was open, when it may have been old; its end will come as a notice
        assert payment.status in (*SHOWN[theirs.status], PaymentStatus.REQUIRES_ACTION)
    else:
        assert payment.status in SHOWN[theirs.status], f"{payment.status}, and there {theirs.status}"
    if payment.status in CAME_TO_NOTHING:
        assert theirs.status is IntentStatus.CANCELED, "said to have come to nothing, and still open"
