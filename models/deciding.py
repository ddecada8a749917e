"""`decide`: what a command leads to, given what is known. Pure: the same transaction and command give the same events."""

from collections.abc import Iterator
from typing import assert_never

from models import policy as policies
from models import rules
from models.asking import Said, asked, intent_of
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
    ResolvePayment,
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
from models.policy import Policy
from models.provider import (
    CancelIntent,
    CaptureIntent,
    CreateIntent,
    Operation,
    RefundIntent,
    ScreenCustomer,
)
from models.remembering import Remembered
from models.resolving import RESOLVE, resolved
from models.rules import Refusal, refused
from models.settling import found, notice, outcome
from models.transaction import Transaction
from models.waiting import check


def decide(
    transaction: Transaction | None,
    command: Command,
    policy: Policy = policies.DEFAULT,
    full: bool = False,
) -> list[Event]:
    """The events `command` leads to; none for a command that is known already. Raises InvariantBroken for a lie or a bug.

    `policy`: the merchant's. `full`: the transaction is as large as may be; nothing new is begun on it, what was begun is
    finished.
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
        for n, said in enumerate(_said(known, command, policy, full), start=1)
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


def _said(known: Transaction, command: Command, policy: Policy, full: bool) -> Iterator[Said]:
    match command:
        case RecordOutcome():
            yield from outcome(known, command, policy)
        case CheckPayment():
            yield from check(known, command)
        case RecordNotice():
            yield from notice(known, command, policy)
        case _:
            if remembered(known, command) is None:
                yield from _public(known, command, policy, full)


def _public(known: Transaction, command: PublicCommand, policy: Policy, full: bool) -> Iterator[Said]:
    name, content, origin = remembered_as(known, command), fingerprint(command), command.origin
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
        decided = _first_refusal_or_decision(known, command, policy)
        if not isinstance(decided, Refusal):
            if isinstance(command, ResolvePayment):
                yield Said(decided, settles=origin.command_id, fingerprint=content)
                yield from found(known, command, policy)
            else:
                yield Said(decided, opens=origin.command_id, fingerprint=content)
            return
        refusal = decided
    errors: tuple[FieldError, ...] = command.errors if isinstance(command, InvalidCommand) else ()
    data = CommandRefused(refusal.code, refusal.message, origin.merchant, errors, refusal.rule)
    yield Said(data, settles=name, fingerprint=content)


def _first_refusal_or_decision(
    known: Transaction, command: PublicCommand, policy: Policy
) -> EventData | Refusal:
    match command:
        case CreatePayment():
            return refused(rules.CREATE, known, command, policy) or _request_payment(known, command, policy)
        case CapturePayment():
            return refused(rules.CAPTURE, known, command, policy) or _request_capture(known, command)
        case CancelPayment():
            return refused(rules.CANCEL, known, command, policy) or _request_cancel(known, command)
        case CreateRefund():
            return refused(rules.REFUND, known, command, policy) or _request_refund(known, command)
        case ResolvePayment():
            return refused(RESOLVE, known, command, policy) or resolved(command)
        case InvalidCommand():
            return Refusal(Code.VALIDATION_FAILED, "the command's content is not valid")
    assert_never(command)


def _request_payment(known: Transaction, command: CreatePayment, policy: Policy) -> PaymentRequested:
    terms, customer = command.terms, command.terms.customer
    if policy.velocity and customer:
        screen = ScreenCustomer(customer, terms.money, policy.velocity)
        return PaymentRequested(terms, asked(known, command.origin, Operation.SCREEN, screen, policy.account))
    ask = CreateIntent(terms, policy.payment_method_types)
    return PaymentRequested(terms, asked(known, command.origin, Operation.CREATE, ask, policy.account))


def _request_capture(known: Transaction, command: CapturePayment) -> PaymentCaptureRequested:
    assert known.payment is not None
    amount = command.amount_minor
    if amount is None:
        amount = known.payment.amount_capturable_minor
    ask = CaptureIntent(intent_of(known), amount, command.final)
    call = asked(known, command.origin, Operation.CAPTURE, ask)
    return PaymentCaptureRequested(amount, command.final, call)


def _request_cancel(known: Transaction, command: CancelPayment) -> PaymentCancelRequested:
    ask = CancelIntent(intent_of(known), command.reason)
    call = asked(known, command.origin, Operation.CANCEL, ask)
    return PaymentCancelRequested(command.reason, call)


def _request_refund(known: Transaction, command: CreateRefund) -> RefundRequested:
    amount = command.amount_minor
    if amount is None:
        amount = known.amount_refundable_minor
    ask = RefundIntent(intent_of(known), command.refund_id, amount, command.reason)
    call = asked(known, command.origin, Operation.REFUND, ask)
    return RefundRequested(command.refund_id, amount, command.reason, command.metadata, call)
