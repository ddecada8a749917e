"""`decide`: what a command leads to, given what is known. Pure: the same transaction and command give the same events."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar, assert_never

from models import evidence, rules
from models.calls import OpenCall, closed_by
from models.codes import Code
from models.commands import (
    CancelPayment,
    CapturePayment,
    CheckPayment,
    Command,
    CreatePayment,
    CreateRefund,
    FieldError,
    InvalidCommand,
    Origin,
    PublicCommand,
    RecordNotice,
    RecordOutcome,
    fingerprint,
)
from models.errors import InvariantBroken
from models.events import (
    CallDeferred,
    CallRepeated,
    CommandRefused,
    Event,
    EventData,
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentCancelRequested,
    PaymentCaptureRequested,
    PaymentDeclined,
    PaymentOutcomeUnknown,
    PaymentRequested,
    PaymentReviewRequired,
    RefundFailed,
    RefundOutcomeUnknown,
    RefundRequested,
    RefundReviewRequired,
)
from models.ids import event_id
from models.payment import Payment, PaymentStatus, is_an_end
from models.provider import (
    Answered,
    Ask,
    CancelIntent,
    CaptureIntent,
    CreateIntent,
    Decline,
    Declined,
    Deferred,
    IntentSnapshot,
    Operation,
    PspCall,
    RefundIntent,
    Rejected,
    Snapshot,
    Unknown,
)
from models.recheck import key_is_too_old, lost_check_at, next_check_at
from models.remembering import Remembered
from models.rules import Refusal
from models.transaction import Transaction

C = TypeVar("C", CreatePayment, CapturePayment, CancelPayment, CreateRefund)
Rules = Sequence[Callable[[Transaction, C], Refusal | None]]


@dataclass(frozen=True, slots=True)
class Said:
    """An event before it is numbered: what happened, and the public command it opens or answers."""

    data: EventData
    opens: str | None = None
    settles: str | None = None
    fingerprint: str | None = None


def decide(transaction: Transaction | None, command: Command) -> list[Event]:
    """The events `command` leads to; none for a command that is known already. Raises InvariantBroken for a lie or a bug."""
    known = transaction or Transaction(command.origin.payment_id)
    origin = command.origin
    return [
        Event(
            id=event_id(known.id, said.settles or said.opens or origin.command_id, known.sequence + n),
            payment_id=known.id,
            merchant=known.merchant or origin.merchant,
            sequence=known.sequence + n,
            at=origin.at,
            caused_by=origin.command_id,
            data=said.data,
            opens=said.opens,
            settles=said.settles,
            fingerprint=said.fingerprint,
        )
        for n, said in enumerate(_said(known, command), start=1)
    ]


def remembered_as(transaction: Transaction | None, command: PublicCommand) -> str:
    """The name under which a transaction remembers a command: its id, on a payment of its sender's.

    On nobody's or somebody else's payment the sender is part of the name, so that whoever sends first takes no id away
    from the owner. The same id with another body is another command (and refused).
    """
    origin = command.origin
    commands = transaction.commands if transaction else {}
    owner = transaction.merchant if transaction else None
    name = origin.command_id
    if owner != origin.merchant or _of_sender(origin) in commands:
        name = _of_sender(origin)
    known = commands.get(name)
    if known is None or known.fingerprint == fingerprint(command) or owner not in (None, origin.merchant):
        return name
    return f"{origin.command_id}\n{fingerprint(command)}"


def _of_sender(origin: Origin) -> str:
    return f"{origin.command_id}\n{origin.merchant}"


def remembered(transaction: Transaction | None, command: PublicCommand) -> Remembered | None:
    """What is remembered of `command`, if it was seen before."""
    return transaction.commands.get(remembered_as(transaction, command)) if transaction else None


def _said(known: Transaction, command: Command) -> Iterator[Said]:
    match command:
        case RecordOutcome():
            yield from _outcome(known, command)
        case CheckPayment():
            yield from _check(known, command)
        case RecordNotice():
            yield from _notice(known, command)
        case _:
            if remembered(known, command) is None:
                yield _public(known, command)


def _public(known: Transaction, command: PublicCommand) -> Said:
    name, asked, origin = remembered_as(known, command), fingerprint(command), command.origin
    if known.merchant not in (None, origin.merchant):
        refusal = Refusal(Code.NOT_FOUND, "there is no such payment")
    elif name not in (origin.command_id, _of_sender(origin)):
        refusal = Refusal(Code.IDEMPOTENCY_KEY_REUSED, "this command id came before with another content")
    else:
        decided = _first_refusal_or_request(known, command)
        if not isinstance(decided, Refusal):
            return Said(decided, opens=origin.command_id, fingerprint=asked)
        refusal = decided
    errors: tuple[FieldError, ...] = command.errors if isinstance(command, InvalidCommand) else ()
    data = CommandRefused(refusal.code, refusal.message, origin.merchant, errors)
    return Said(data, settles=name, fingerprint=asked)


def _first_refusal_or_request(known: Transaction, command: PublicCommand) -> EventData | Refusal:
    match command:
        case CreatePayment():
            return _refused(rules.CREATE, known, command) or _request_payment(known, command)
        case CapturePayment():
            return _refused(rules.CAPTURE, known, command) or _request_capture(known, command)
        case CancelPayment():
            return _refused(rules.CANCEL, known, command) or _request_cancel(known, command)
        case CreateRefund():
            return _refused(rules.REFUND, known, command) or _request_refund(known, command)
        case InvalidCommand():
            return Refusal(Code.VALIDATION_FAILED, "the command's content is not valid")
    assert_never(command)


def _refused(objections: "Rules[C]", known: Transaction, command: C) -> Refusal | None:
    return next((refusal for rule in objections if (refusal := rule(known, command))), None)


def _call(known: Transaction, command: PublicCommand, operation: Operation, name: str, ask: Ask) -> PspCall:
    attempt = known.attempts.get(name, 0) + 1
    key = f"{known.id}:{name}:{attempt}"
    return PspCall(key, operation, known.id, command.origin.merchant, command.origin.at, ask)


def _request_payment(known: Transaction, command: CreatePayment) -> PaymentRequested:
    ask = CreateIntent(command.terms)
    return PaymentRequested(command.terms, _call(known, command, Operation.CREATE, "create", ask))


def _intent(known: Transaction) -> str:
    if known.payment is None or known.payment.intent is None:
        raise InvariantBroken(f"{known.id} is past its creation and has no intent")
    return known.payment.intent


def _request_capture(known: Transaction, command: CapturePayment) -> PaymentCaptureRequested:
    assert known.payment is not None
    amount = command.amount_minor
    if amount is None:
        amount = known.payment.amount_capturable_minor
    ask = CaptureIntent(_intent(known), amount, command.final)
    call = _call(known, command, Operation.CAPTURE, "capture", ask)
    return PaymentCaptureRequested(amount, command.final, call)


def _request_cancel(known: Transaction, command: CancelPayment) -> PaymentCancelRequested:
    ask = CancelIntent(_intent(known), command.reason)
    call = _call(known, command, Operation.CANCEL, "cancel", ask)
    return PaymentCancelRequested(command.reason, call)


def _request_refund(known: Transaction, command: CreateRefund) -> RefundRequested:
    amount = command.amount_minor
    if amount is None:
        amount = known.amount_refundable_minor
    ask = RefundIntent(_intent(known), command.refund_id, amount, command.reason)
    call = _call(known, command, Operation.REFUND, f"refund-{command.refund_id}", ask)
    return RefundRequested(command.refund_id, amount, command.reason, command.metadata, call)


def _notice(known: Transaction, command: RecordNotice) -> Iterator[Said]:
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


def _outcome(known: Transaction, command: RecordOutcome) -> Iterator[Said]:
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
            message = f"the provider refused the {call.call.operation}: {decline.message}"
            yield Said(_refusal(known, Code.PROVIDER_REFUSED, message), settles=call.command)


def _as_before_the_call(known: Transaction, payment: Payment) -> EventData:
    """What a payment whose capture or cancellation was in doubt goes back to once nothing has happened."""
    authorized, until = payment.amount_authorized_minor, payment.authorized_until
    if authorized:
        return PaymentAuthorized(_intent(known), payment.charge, authorized, until)
    return PaymentActionRequired(_intent(known), payment.next_action)


def _refusal(known: Transaction, code: Code, message: str) -> CommandRefused:
    return CommandRefused(code, message, known.merchant or "")


def _unknown(call: OpenCall, reason: str, command: RecordOutcome) -> EventData:
    check_at = next_check_at(command.origin.at, call.tries)
    if isinstance(call.call.ask, RefundIntent):
        return RefundOutcomeUnknown(call.call.ask.refund_id, call.call.key, reason, check_at)
    return PaymentOutcomeUnknown(call.call.key, reason, check_at)


def _check(known: Transaction, command: CheckPayment) -> Iterator[Said]:
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
