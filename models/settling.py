"""What the provider's answers, its notices and the passing of time lead to. Public commands are decided in `deciding.py`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from models import evidence
from models.calls import OpenCall, closed_by
from models.codes import Code
from models.commands import (
    CheckPayment,
    RecordNotice,
    RecordOutcome,
)
from models.errors import InvariantBroken
from models.events import (
    CallDeferred,
    CallRepeated,
    CommandRefused,
    EventData,
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentDeclined,
    PaymentOutcomeUnknown,
    PaymentReviewRequired,
    RefundFailed,
    RefundOutcomeUnknown,
    RefundReviewRequired,
)
from models.payment import Payment, PaymentStatus, is_an_end
from models.provider import (
    Answered,
    CancelIntent,
    CaptureIntent,
    CreateIntent,
    Decline,
    Declined,
    Deferred,
    IntentSnapshot,
    Operation,
    RefundIntent,
    Rejected,
    Snapshot,
    Unknown,
)
from models.recheck import key_is_too_old, lost_check_at, next_check_at
from models.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Said:
    """An event before it is numbered: what happened, and the public command it opens or answers."""

    data: EventData
    opens: str | None = None
    settles: str | None = None
    fingerprint: str | None = None


def intent_of(known: Transaction) -> str:
    if known.payment is None or known.payment.intent is None:
        raise InvariantBroken(f"{known.id} is past its creation and has no intent")
    return known.payment.intent


def notice(known: Transaction, command: RecordNotice) -> Iterator[Said]:
    return _told(known, command.snapshot, None)


def _told(known: Transaction, seen: Snapshot, answers: OpenCall | None) -> Iterator[Said]:
    """What `seen` leads to. A capture or cancellation that it shows can be no more, or was not carried out, is refused."""
    calls, ended = known.calls, False
    for data in _happened(known, seen, answers):
        closed = closed_by(calls, data)
        yield Said(data, settles=closed[0].command if closed else None)
        calls = {key: call for key, call in calls.items() if call not in closed}
        ended = ended or is_an_end(data)
    for call in calls.values():
        operation = call.call.operation
        if operation in (Operation.CAPTURE, Operation.CANCEL) and (ended or call is answers):
            message = f"the provider did not carry out the {operation}: the payment is {seen.status} there"
            yield Said(_refusal(known, Code.PAYMENT_STATE_CONFLICT, message), settles=call.command)


def _happened(known: Transaction, seen: Snapshot, answers: OpenCall | None) -> Iterator[EventData]:
    if isinstance(seen, IntentSnapshot):
        return evidence.of_intent(known, seen, answers)
    return evidence.of_refund(known, seen)


def outcome(known: Transaction, command: RecordOutcome) -> Iterator[Said]:
    call = known.calls.get(command.call_key)
    match command.outcome:
        case Answered(seen):
            yield from _told(known, seen, call)
        case _ if call is None:
            return  # other evidence was quicker, or this is the second answer to one key
        case Declined(decline, intent):
            yield from _not_done(known, call, decline, intent)
        case Rejected(code, message):
            yield from _not_done(known, call, Decline(code, None, "do_not_retry", message), None)
        case Unknown(reason):
            yield Said(_unknown(call, reason, command))
        case Deferred(reason):
            put_off_until = next_check_at(command.origin.at, call.tries)
            yield Said(CallDeferred(call.call.key, reason, put_off_until))
        case _:
            assert_never(command.outcome)


def _not_done(known: Transaction, call: OpenCall, decline: Decline, intent: str | None) -> Iterator[Said]:
    """The provider said no for good: nothing happened there under this key."""
    match call.call.ask:
        case CreateIntent():
            yield Said(PaymentDeclined(decline, intent), settles=call.command)
        case RefundIntent():
            yield Said(RefundFailed(call.call.ask.refund_id, None, decline.code), settles=call.command)
        case CaptureIntent() | CancelIntent():
            payment = known.payment
            if payment and payment.status is PaymentStatus.UNKNOWN:
                yield Said(_as_before_the_call(known, payment))
            message = f"the provider refused the {call.call.operation} ({decline.code}): {decline.message}"
            yield Said(_refusal(known, Code.PROVIDER_REFUSED, message), settles=call.command)


def _as_before_the_call(known: Transaction, payment: Payment) -> EventData:
    """What a payment whose capture or cancellation was in doubt goes back to once nothing has happened."""
    authorized, until = payment.amount_authorized_minor, payment.authorized_until
    if authorized:
        return PaymentAuthorized(intent_of(known), payment.charge, authorized, until)
    return PaymentActionRequired(intent_of(known), payment.next_action)


def _refusal(known: Transaction, code: Code, message: str) -> CommandRefused:
    return CommandRefused(code, message, known.merchant or "")


def _unknown(call: OpenCall, reason: str, command: RecordOutcome) -> EventData:
    check_at = next_check_at(command.origin.at, call.tries)
    if isinstance(call.call.ask, RefundIntent):
        return RefundOutcomeUnknown(call.call.ask.refund_id, call.call.key, reason, check_at)
    return PaymentOutcomeUnknown(call.call.key, reason, check_at)


def check(known: Transaction, command: CheckPayment) -> Iterator[Said]:
    """Ask again what is due, under the same key; past the key's age only a person, or a late notice, can tell."""
    at = command.origin.at
    for call in known.calls.values():
        if call.next_check_at > at:
            continue
        if not key_is_too_old(call.call.requested_at, at):
            yield Said(CallRepeated(call.call, lost_check_at(at)))
        elif isinstance(call.call.ask, RefundIntent):
            yield Said(
                RefundReviewRequired(call.call.ask.refund_id, "no answer within a day", call.call.key),
                settles=call.command,
            )
        else:
            yield Said(PaymentReviewRequired("no answer within a day", call.call.key), settles=call.command)
