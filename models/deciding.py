"""`decide`: what a command leads to, given what is known. Pure: the same transaction and command give the same events."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, assert_never

from models import rules
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
from models.events import (
    CommandRefused,
    Event,
    EventData,
    PaymentCancelRequested,
    PaymentCaptureRequested,
    PaymentRequested,
    RefundRequested,
)
from models.ids import event_id
from models.provider import (
    Ask,
    CancelIntent,
    CaptureIntent,
    CreateIntent,
    Operation,
    PspCall,
    RefundIntent,
)
from models.remembering import Remembered
from models.rules import Refusal
from models.settling import Said, check, intent_of, notice, outcome
from models.transaction import Transaction

C = TypeVar("C", CreatePayment, CapturePayment, CancelPayment, CreateRefund)
Rules = Sequence[Callable[[Transaction, C], Refusal | None]]


def decide(transaction: Transaction | None, command: Command, full: bool = False) -> list[Event]:
    """The events `command` leads to; none for a command that is known already. Raises InvariantBroken for a lie or a bug.

    `full`: the transaction is as large as may be; nothing new is begun on it, what was begun is finished.
    """
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
        for n, said in enumerate(_said(known, command, full), start=1)
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


def _said(known: Transaction, command: Command, full: bool) -> Iterator[Said]:
    match command:
        case RecordOutcome():
            yield from outcome(known, command)
        case CheckPayment():
            yield from check(known, command)
        case RecordNotice():
            yield from notice(known, command)
        case _:
            if remembered(known, command) is None:
                yield _public(known, command, full)


def _public(known: Transaction, command: PublicCommand, full: bool) -> Said:
    name, asked, origin = remembered_as(known, command), fingerprint(command), command.origin
    if known.merchant not in (None, origin.merchant):
        refusal = Refusal(Code.NOT_FOUND, "there is no such payment")
    elif name not in (origin.command_id, _of_sender(origin)):
        refusal = Refusal(
            Code.IDEMPOTENCY_KEY_REUSED,
            "this idempotency key, or command id, came before with another content",
        )
    elif full:
        refusal = Refusal(Code.LIMIT_EXCEEDED, "too much has been done with this payment for more to be kept")
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


def _request_capture(known: Transaction, command: CapturePayment) -> PaymentCaptureRequested:
    assert known.payment is not None
    amount = command.amount_minor
    if amount is None:
        amount = known.payment.amount_capturable_minor
    ask = CaptureIntent(intent_of(known), amount, command.final)
    call = _call(known, command, Operation.CAPTURE, "capture", ask)
    return PaymentCaptureRequested(amount, command.final, call)


def _request_cancel(known: Transaction, command: CancelPayment) -> PaymentCancelRequested:
    ask = CancelIntent(intent_of(known), command.reason)
    call = _call(known, command, Operation.CANCEL, "cancel", ask)
    return PaymentCancelRequested(command.reason, call)


def _request_refund(known: Transaction, command: CreateRefund) -> RefundRequested:
    amount = command.amount_minor
    if amount is None:
        amount = known.amount_refundable_minor
    ask = RefundIntent(intent_of(known), command.refund_id, amount, command.reason)
    call = _call(known, command, Operation.REFUND, f"refund-{command.refund_id}", ask)
    return RefundRequested(command.refund_id, amount, command.reason, command.metadata, call)
