"""What time does to a payment: calls in doubt or put off, and what is due. The answers to calls are taken in elsewhere."""

from collections.abc import Iterator

from models.asking import Said, asked, intent_of, look
from models.calls import OpenCall
from models.commands import CheckPayment, Origin
from models.events import (
    CallDeferred,
    CallEnded,
    CallRepeated,
    PaymentAuthorizationExpiring,
    PaymentCancelRequested,
    PaymentOutcomeUnknown,
    PaymentReviewRequired,
    RefundOutcomeUnknown,
    RefundReviewRequired,
)
from models.payment import PaymentStatus
from models.provider import CancelIntent, Operation, ReadIntent, RefundIntent, ScreenCustomer
from models.recheck import (
    abandoned_again_at,
    deferred_check_at,
    is_given_up,
    key_is_too_old,
    lost_check_at,
    next_check_at,
)
from models.transaction import Transaction

ABANDONED = "abandoned"
"""Why a payment was canceled whose customer did not act."""

NOTHING_HEARD = "the provider has told nothing of its end"
"""Why a payment is looked at whose method takes its time."""

LOOKS_MAX = 100
"""Tries of one look, about a day of them."""


def in_doubt(known: Transaction, call: OpenCall, reason: str, origin: Origin) -> Said:
    """Tried again under the same key as long as there is one; when the provider was only looked at, and in vain, a person's.

    A call of our own leaves no doubt about the payment: nothing of it is known to be so until an answer says it.
    """
    ask, key = call.call.ask, call.call.key
    if isinstance(ask, ReadIntent) and call.tries >= LOOKS_MAX:
        return Said(CallEnded(key, reason))
    if isinstance(ask, ReadIntent | ScreenCustomer):
        return Said(put_off(call, reason, origin))
    is_old, is_ours = key_is_too_old(call.call.requested_at, origin.at), call.command is None
    if is_ours and not is_old:
        return Said(put_off(call, reason, origin))
    if is_ours and known.payment and known.payment.status is PaymentStatus.MANUAL_REVIEW:
        return Said(CallEnded(key, reason))  # a person has it already
    if is_old:
        in_vain = f"no answer within a day, and nothing of it to be found: {reason}"
        if isinstance(ask, RefundIntent):
            return Said(RefundReviewRequired(ask.refund_id, in_vain, key), settles=call.command)
        return Said(PaymentReviewRequired(in_vain, key), settles=call.command)
    check_at = next_check_at(origin.at, call.tries)
    if isinstance(ask, RefundIntent):
        return Said(RefundOutcomeUnknown(ask.refund_id, key, reason, check_at))
    return Said(PaymentOutcomeUnknown(key, reason, check_at))


def deferred(known: Transaction, call: OpenCall, reason: str, origin: Origin) -> Said:
    """Put off; but what nobody could even look for, a day after its key had become too old, is in as much doubt as what was."""
    if is_given_up(call.call.requested_at, origin.at):
        return in_doubt(known, call, reason, origin)
    return Said(put_off(call, reason, origin))


def put_off(call: OpenCall, reason: str, origin: Origin) -> CallDeferred:
    is_look = isinstance(call.call.ask, ReadIntent)  # nobody waits for one
    again_at = next_check_at if is_look else deferred_check_at
    return CallDeferred(call.call.key, reason, again_at(origin.at, call.tries))


def check(known: Transaction, command: CheckPayment) -> Iterator[Said]:
    """What is due: calls are asked for again under the same key, and past its age only looked after; then the rest."""
    at = command.origin.at
    for call in known.calls.values():
        if call.next_check_at <= at:
            yield Said(CallRepeated(call.call, lost_check_at(at)))
    if known.expiry_told_at and known.expiry_told_at <= at and known.payment:
        assert known.payment.authorized_until is not None
        yield Said(PaymentAuthorizationExpiring(known.payment.authorized_until))
    if known.look_at and known.look_at <= at:
        yield Said(look(known, intent_of(known), NOTHING_HEARD, command.origin))
    if known.abandon_at and known.abandon_at <= at:
        cancel = asked(known, command.origin, Operation.CANCEL, CancelIntent(intent_of(known), ABANDONED))
        yield Said(PaymentCancelRequested(ABANDONED, cancel, abandoned_again_at(at)))
