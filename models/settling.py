"""What the provider's answers, its notices and a person's findings lead to. Public commands are decided in `deciding.py`."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from models import dispute_evidence, evidence
from models.asking import Said, asked, intent_of, look
from models.calls import OpenCall, closed_by
from models.codes import Code
from models.commands import Origin, RecordNotice, RecordOutcome, ResolvePayment
from models.errors import InvariantBroken
from models.events import (
    CallEnded,
    CommandRefused,
    EventData,
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentDeclined,
    PaymentProcessing,
    PaymentReviewRequired,
    PaymentScreened,
    RefundFailed,
)
from models.payment import TRANSITIONS, Payment, PaymentMove, PaymentStatus, is_an_end
from models.policy import Policy
from models.provider import (
    Answered,
    Ask,
    CancelIntent,
    CaptureIntent,
    CreateIntent,
    Decline,
    Declined,
    Deferred,
    DisputeSnapshot,
    IntentSnapshot,
    IntentStatus,
    Operation,
    ReadIntent,
    RefundIntent,
    Rejected,
    ScreenCustomer,
    Screened,
    Snapshot,
    Unknown,
)
from models.resolving import happened
from models.transaction import Transaction
from models.waiting import deferred, in_doubt

VELOCITY_EXCEEDED = "velocity_exceeded"
"""The decline code of a payment that its customer's others within the hour leave no room for."""

METHOD_NOT_TAKEN = "payment_intent_incompatible_payment_method"
"""The provider's code for a payment method of a type that the call does not name. Source: Stripe, error codes."""

WITHIN_VELOCITY, MERCHANTS_METHOD = "customer_is_within_velocity", "method_is_the_merchants"
"""Rules whose answer comes from outside, as a decline names them."""

NOT_CLOSED = "the payment was declined, and its intent could not be canceled at the provider"
READS_MAX = 100
"""Looks at one payment that notices give rise to. Source: Stripe, rate limits: 500 reads per transaction in 30 days."""


def notice(known: Transaction, command: RecordNotice, policy: Policy) -> Iterator[Said]:
    """What follows from it by itself is taken in; where it contradicts or passes over a step, the provider is asked.

    Of another account than the payment's it says nothing, whatever it says.
    """
    if not is_of_another_account(known, command):
        yield from _unasked(known, command.snapshot, command.origin, policy)


def is_of_another_account(known: Transaction, command: RecordNotice) -> bool:
    return known.payment is not None and command.account != known.payment.account


def _unasked(known: Transaction, seen: Snapshot, origin: Origin, policy: Policy) -> Iterator[Said]:
    if isinstance(seen, IntentSnapshot) and (doubt := evidence.doubt(known, seen)):
        if known.attempts.get(Operation.READ, 0) < READS_MAX:
            yield Said(look(known, seen.intent, doubt, origin))
    else:
        yield from _told(known, seen, None, origin, policy)


def _told(
    known: Transaction, seen: Snapshot, answers: OpenCall | None, origin: Origin, policy: Policy
) -> Iterator[Said]:
    """What `seen` leads to. A capture or cancellation that it shows can be no more, or was not carried out, is refused."""
    answered = {answers.call.key} if answers else set()
    message = f"the payment is {seen.status} at the provider"
    try:
        events = list(_seen(known, seen, answers))
    except evidence.Outdated:
        raise
    except InvariantBroken as contradiction:
        if answers is None or answers.call.operation in (Operation.REFUND, Operation.SCREEN):
            raise
        # we asked, and what we are told cannot be: the same question again would have the same answer
        message, events = str(contradiction), []
        if not _looked_beside_a_call(known, answers):
            events = list(_for_a_person(known, message))
    if answers and _closes(known, answers) and not events and seen.status != IntentStatus.CANCELED:
        events = list(_for_a_person(known, f"{NOT_CLOSED}: {message}"))
    yield from _taken_in(known, events, answered, message, origin, policy)


def _looked_beside_a_call(known: Transaction, call: OpenCall) -> bool:
    """Whether it only looked, while something is under way: that may still be made, and its own answer says what it came to."""
    return call.call.operation is Operation.READ and known.payment_call() is not None


def _closes(known: Transaction, call: OpenCall) -> bool:
    """Whether it is the one that cancels what was declined."""
    declined = known.payment is not None and known.payment.status is PaymentStatus.DECLINED
    return declined and call.command is None and call.call.operation is Operation.CANCEL


def _for_a_person(known: Transaction, reason: str) -> Iterator[EventData]:
    status, under_way = known.payment.status if known.payment else None, known.payment_call()
    if (status, PaymentMove.REVIEW_REQUIRED) in TRANSITIONS:
        yield PaymentReviewRequired(reason, under_way.call.key if under_way else None)


def found(known: Transaction, command: ResolvePayment, policy: Policy) -> Iterator[Said]:
    """A person's word ends every call about what it was asked of, as the provider's own would.

    An intent that only the person names may be another payment's: nothing is done with it but a look.
    """
    of_payment = command.refund_id is None
    if of_payment and command.intent and known.payment and known.payment.intent is None:
        reason = f"{command.operator} found the payment {command.resolution}"
        yield Said(look(known, command.intent, reason, command.origin))
        return
    under_way = known.payment_call() if of_payment else None
    ended = {under_way.call.key} if under_way else set()
    message = f"an operator found the payment {command.resolution}"
    yield from _taken_in(known, [happened(known, command)], ended, message, command.origin, policy)


def _taken_in(
    known: Transaction,
    events: Iterable[EventData],
    over: set[str],
    message: str,
    origin: Origin,
    policy: Policy,
) -> Iterator[Said]:
    """`events`, with all that they entail. They end the calls `over`, whose result is `message` where it is no event's."""
    calls, ended, reviewed = known.calls, False, False
    captured = known.payment.amount_captured_minor if known.payment else 0
    for data in events:
        closed = closed_by(calls, data, captured)
        settled = next((call.command for call in closed if call.command), None)
        yield Said(_with_consequences(known, data, origin, policy), settles=settled)
        calls = {key: call for key, call in calls.items() if call not in closed}
        ended, reviewed = ended or is_an_end(data), isinstance(data, PaymentReviewRequired)
    for key, call in calls.items():
        operation = call.call.operation
        may_come_to_nothing = operation in (Operation.CAPTURE, Operation.CANCEL, Operation.READ)
        goes_on = operation is Operation.READ or (call.command is None and reviewed)
        if may_come_to_nothing and (key in over or (ended and not goes_on)):
            yield _without_effect(known, call, Code.PAYMENT_STATE_CONFLICT, message)


def _without_effect(known: Transaction, call: OpenCall, code: Code, message: str) -> Said:
    """`call` is over and has changed nothing: its command is refused; where none waits, that is just told."""
    if call.command is None:
        return Said(CallEnded(call.call.key, message))
    refused = f"the {call.call.operation} was not carried out: {message}"
    return Said(CommandRefused(code, refused, known.merchant or ""), settles=call.command)


def _with_consequences(known: Transaction, data: EventData, origin: Origin, policy: Policy) -> EventData:
    match data:
        case PaymentActionRequired(abandon_at=None):
            # a step that was there before a doubt is the same step
            began = known.payment.abandon_at if known.payment else None
            ends = began or origin.at + timedelta(seconds=policy.abandon_after_s)
            return replace(data, abandon_at=ends)
        case PaymentDeclined(call=None):
            intent = data.intent or (known.payment and known.payment.intent)
            if intent:
                cancel = asked(known, origin, Operation.CANCEL, CancelIntent(intent))
                return replace(data, intent=intent, call=cancel)
    return data


def _seen(known: Transaction, seen: Snapshot, answers: OpenCall | None) -> Iterator[EventData]:
    match seen:
        case IntentSnapshot():
            return evidence.of_intent(known, seen, answers)
        case DisputeSnapshot():
            return dispute_evidence.of_dispute(known, seen)
    return evidence.of_refund(known, seen)


def outcome(known: Transaction, command: RecordOutcome, policy: Policy) -> Iterator[Said]:
    call, origin = known.calls.get(command.call_key), command.origin
    match command.outcome:
        case Answered(seen) if call is not None:
            yield from _told(known, seen, call, origin, policy)
        case Answered(seen):
            if f":{Operation.READ}:" not in command.call_key:  # a later look is under way, or has been
                yield from _unasked(known, seen, origin, policy)
        case _ if call is None:
            return  # other evidence was quicker, or this is the second answer to one key
        case Declined(decline, intent):
            yield from _not_done(known, call, decline, intent, origin, policy)
        case Rejected(code, message):
            decline = Decline(code, None, "do_not_retry", message)
            yield from _not_done(known, call, decline, None, origin, policy)
        case Screened(admitted, reason):
            yield from _screened(known, call, admitted, reason, origin, policy)
        case Unknown(reason):
            yield in_doubt(known, call, reason, origin)
        case Deferred(reason):
            yield deferred(known, call, reason, origin)
        case _:
            assert_never(command.outcome)


def _screened(
    known: Transaction, call: OpenCall, admitted: bool, reason: str, origin: Origin, policy: Policy
) -> Iterator[Said]:
    if call.call.operation is not Operation.SCREEN or known.payment is None:
        raise InvariantBroken(f"{call.call.key} was no question about a customer")
    if admitted:
        ask = CreateIntent(known.payment.terms, policy.payment_method_types)
        yield Said(PaymentScreened(asked(known, origin, Operation.CREATE, ask)))
    else:
        decline = Decline(VELOCITY_EXCEEDED, None, "try_again_later", reason, rule=WITHIN_VELOCITY)
        yield Said(PaymentDeclined(decline, None), settles=call.command)


def _not_done(
    known: Transaction, call: OpenCall, decline: Decline, intent: str | None, origin: Origin, policy: Policy
) -> Iterator[Said]:
    """The provider said no for good: nothing happened there under this key."""
    match call.call.ask:
        case CreateIntent() | ScreenCustomer():
            if _is_a_method_the_merchant_does_not_take(call.call.ask, decline):
                decline = replace(decline, advice="use_another_method", rule=MERCHANTS_METHOD)
            declined = _with_consequences(known, PaymentDeclined(decline, intent), origin, policy)
            yield Said(declined, settles=call.command)
        case RefundIntent():
            yield Said(RefundFailed(call.call.ask.refund_id, None, decline.code), settles=call.command)
        case CaptureIntent() | CancelIntent() | ReadIntent():
            payment = known.payment
            if payment and payment.status is PaymentStatus.UNKNOWN and call is known.payment_call():
                yield Said(_as_before_the_call(known, payment))
            message = f"the provider refused it ({decline.code}): {decline.message}"
            if _closes(known, call):
                yield Said(PaymentReviewRequired(f"{NOT_CLOSED}: {message}", call.call.key))
                return
            yield _without_effect(known, call, Code.PROVIDER_REFUSED, message)


def _is_a_method_the_merchant_does_not_take(ask: Ask, decline: Decline) -> bool:
    narrowed = isinstance(ask, CreateIntent) and ask.payment_method_types is not None
    return narrowed and decline.code == METHOD_NOT_TAKEN


def _as_before_the_call(known: Transaction, payment: Payment) -> EventData:
    """What a payment whose capture or cancellation was in doubt goes back to once nothing has happened."""
    authorized, until = payment.amount_authorized_minor, payment.authorized_until
    if authorized:
        return PaymentAuthorized(intent_of(known), payment.charge, authorized, until)
    if payment.next_action is None:
        return PaymentProcessing(intent_of(known), payment.charge)
    return PaymentActionRequired(
        intent_of(known), payment.next_action, payment.client_secret, payment.abandon_at
    )
