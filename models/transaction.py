"""The transaction: one payment with its refunds, its open provider calls and the commands it remembers.

The core of Millrace is three pure functions:

    decide(transaction | None, command) -> list[Event]      in `deciding.py`; a refusal is an event, never an exception
    evolve(transaction | None, event)   -> Transaction      here; the next status comes from the TRANSITIONS tables
    react(event)                        -> PspCall | None   here; what the outside world must now be asked

A transaction has one writer at a time (the owner of its partition), so between reading it and writing it nothing moves.
Nothing here knows what time it is: time comes in with the commands.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

from models import payment as payments
from models import refund as refunds
from models.codes import Code
from models.errors import InvariantBroken
from models.events import (
    CallDeferred,
    CallRepeated,
    CommandRefused,
    Event,
    EventData,
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentCanceled,
    PaymentCancelRequested,
    PaymentCaptured,
    PaymentCaptureRequested,
    PaymentDeclined,
    PaymentEvent,
    PaymentOutcomeUnknown,
    PaymentProcessing,
    PaymentRequested,
    PaymentReviewRequired,
    RefundCanceled,
    RefundEvent,
    RefundFailed,
    RefundOutcomeUnknown,
    RefundPending,
    RefundRequested,
    RefundReviewRequired,
    RefundSucceeded,
)
from models.payment import Payment, PaymentStatus
from models.provider import Operation, PspCall, RefundIntent, RefundStatus
from models.recheck import lost_check_at
from models.refund import RESERVING, Refund

REFUSALS_REMEMBERED_MAX = 64
"""Refused commands remembered per payment, newest kept: they make nothing, and a hostile sender must not fill the table.

As many again under names of their own (a stranger's, a reused id's), so that those never push out the owner's. A command
that had a call made for it is never forgotten, even if that came to nothing: seen again, it would be carried out anew.
"""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A public command this transaction has seen. `code` and `message` when it was refused; `refund_id` when it made one.

    `opened`: it was accepted and led to a provider call, whatever became of that.
    """

    fingerprint: str | None = None
    settled: bool = False
    code: Code | None = None
    message: str | None = None
    refund_id: str | None = None
    opened: bool = False


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A provider call whose end is not known yet. `tries`: how often it came back unknown or deferred."""

    call: PspCall
    command: str
    next_check_at: datetime
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Transaction:
    id: str
    merchant: str | None = None  # nobody's until a payment was requested
    sequence: int = 0
    payment: Payment | None = None
    refunds: dict[str, Refund] = field(default_factory=dict)
    calls: dict[str, OpenCall] = field(default_factory=dict)  # by the call's key
    attempts: dict[str, int] = field(default_factory=dict)  # by operation: how many calls were made for it
    commands: dict[str, Remembered] = field(default_factory=dict)

    @property
    def amount_refunded_minor(self) -> int:
        return sum(r.amount_minor for r in self.refunds.values() if r.status is RefundStatus.SUCCEEDED)

    @property
    def amount_refund_pending_minor(self) -> int:
        return sum(r.amount_minor for r in self.refunds.values() if r.status in RESERVING)

    @property
    def amount_refundable_minor(self) -> int:
        """Money still refundable, in minor units: captured, less what was refunded or is reserved for it."""
        captured = self.payment.amount_captured_minor if self.payment else 0
        return captured - self.amount_refunded_minor - self.amount_refund_pending_minor

    @property
    def next_check_at(self) -> datetime | None:
        """When the earliest of the open calls wants to be looked after."""
        return min((call.next_check_at for call in self.calls.values()), default=None)

    def payment_call(self) -> OpenCall | None:
        """The open call about the payment itself: there is never more than one."""
        for call in self.calls.values():
            if call.call.operation is not Operation.REFUND:
                return call
        return None


def react(event: Event) -> PspCall | None:
    """What the provider must now be asked because of `event`."""
    match event.data:
        case PaymentRequested() | PaymentCaptureRequested() | PaymentCancelRequested() | RefundRequested():
            return event.data.call
        case CallRepeated(call):
            return call
    return None


def evolve(transaction: Transaction | None, event: Event) -> Transaction:
    """The transaction after `event`. Raises InvariantBroken for a move that is in no table, or a gap in the sequence."""
    before = transaction or Transaction(event.payment_id)
    if event.sequence != before.sequence + 1:
        raise InvariantBroken(f"{event.payment_id}: event {event.sequence} after {before.sequence}")
    after = replace(before, sequence=event.sequence, commands=_remember(before, event))
    data = event.data
    match data:
        case CommandRefused():
            # a call that was refused for good is closed with the command that made it
            return replace(after, calls={k: c for k, c in after.calls.items() if c.command != event.settles})
        case CallDeferred() | CallRepeated():
            return replace(after, calls=_calls(after.calls, event))
        case (
            RefundRequested()
            | RefundPending()
            | RefundSucceeded()
            | RefundFailed()
            | RefundCanceled()
            | RefundOutcomeUnknown()
            | RefundReviewRequired()
        ):
            after = _evolve_refund(after, event, data)
        case _:
            after = _evolve_payment(after, event, data)
    after = replace(after, calls=_calls(after.calls, event), attempts=_attempts(after.attempts, event))
    _check_money(after)
    return after


def attempted(call: PspCall) -> str:
    """The operation a call's key names: `{payment_id}:{operation}:{attempt}`."""
    return call.key.split(":")[1]


def _remember(before: Transaction, event: Event) -> dict[str, Remembered]:
    commands = before.commands
    data = event.data
    if event.opens:
        refund_id = data.refund_id if isinstance(data, RefundRequested) else None
        commands = commands | {event.opens: Remembered(event.fingerprint, refund_id=refund_id, opened=True)}
    if event.settles:
        known = commands.get(event.settles, Remembered(event.fingerprint))
        if isinstance(data, CommandRefused):
            known = replace(known, code=data.code, message=data.message)
        commands = commands | {event.settles: replace(known, settled=True)}
        for name in _too_many_refused(commands, own_name="\n" in event.settles):
            del commands[name]
    return commands


def _too_many_refused(commands: dict[str, Remembered], own_name: bool) -> list[str]:
    """The oldest refused commands beyond the limit, among those whose name is, or is not, a plain command id."""
    refused = [
        name
        for name, command in commands.items()
        if command.code and not command.opened and ("\n" in name) == own_name
    ]
    return refused[:-REFUSALS_REMEMBERED_MAX]


def _calls(calls: dict[str, OpenCall], event: Event) -> dict[str, OpenCall]:
    """The calls still open: opened by a request, put off by an unknown outcome, closed by everything conclusive."""
    data = event.data
    match data:
        case PaymentRequested() | PaymentCaptureRequested() | PaymentCancelRequested() | RefundRequested():
            opened = OpenCall(data.call, event.opens or "", lost_check_at(event.at))
            return calls | {data.call.key: opened}
        case PaymentOutcomeUnknown() | RefundOutcomeUnknown() | CallDeferred():
            put_off = replace(
                calls[data.call_key], next_check_at=data.next_check_at, tries=calls[data.call_key].tries + 1
            )
            return calls | {data.call_key: put_off}
        case CallRepeated(call, next_check_at):
            return calls | {call.key: replace(calls[call.key], next_check_at=next_check_at)}
        case _:
            closed = closed_by(calls, data)
            return {key: call for key, call in calls.items() if call not in closed}


def closed_by(calls: dict[str, OpenCall], data: EventData) -> list[OpenCall]:
    """The open calls whose end is known once `data` has happened: its command is answered by it."""
    match data:
        case PaymentReviewRequired() | RefundReviewRequired():
            return [call for key, call in calls.items() if key == data.call_key]
        case RefundPending() | RefundSucceeded() | RefundFailed() | RefundCanceled():
            return [call for call in calls.values() if _asks_for_refund(call, data.refund_id)]
        case PaymentAuthorized() | PaymentActionRequired() | PaymentProcessing() | PaymentDeclined():
            return _about(calls, Operation.CREATE)
        case PaymentCaptured():
            return _about(calls, Operation.CREATE, Operation.CAPTURE)
        case PaymentCanceled():
            return _about(calls, Operation.CREATE, Operation.CANCEL)
    return []


def _asks_for_refund(call: OpenCall, refund_id: str) -> bool:
    return isinstance(call.call.ask, RefundIntent) and call.call.ask.refund_id == refund_id


def _about(calls: dict[str, OpenCall], *operations: Operation) -> list[OpenCall]:
    return [call for call in calls.values() if call.call.operation in operations]


def _attempts(attempts: dict[str, int], event: Event) -> dict[str, int]:
    call = react(event)
    if call is None or isinstance(event.data, CallRepeated):
        return attempts
    operation = attempted(call)
    return attempts | {operation: attempts.get(operation, 0) + 1}


def _evolve_payment(before: Transaction, event: Event, data: PaymentEvent) -> Transaction:
    was = before.payment.status if before.payment else None
    status = payments.TRANSITIONS.get((was, payments.move(data)))
    if status is None:
        raise InvariantBroken(f"{before.id}: {payments.move(data)} is no move of a payment that is {was}")
    if isinstance(data, PaymentRequested):
        requested = Payment(status, data.terms, event.at, event.at)
        return replace(before, merchant=event.merchant, payment=requested)
    if before.payment is None:
        raise InvariantBroken(f"{before.id}: {payments.move(data)} of no payment")
    return replace(before, payment=_payment_after(before.payment, status, event.at, data))


def _payment_after(was: Payment, status: PaymentStatus, at: datetime, data: PaymentEvent) -> Payment:
    payment = replace(was, status=status, updated_at=at, next_action=None, unknown_since=None)
    match data:
        case PaymentProcessing(intent, charge):
            return replace(payment, intent=intent, charge=charge or was.charge)
        case PaymentActionRequired(intent, next_action):
            return replace(payment, intent=intent, next_action=next_action)
        case PaymentAuthorized(intent, charge, amount, until):
            return replace(
                payment,
                intent=intent,
                charge=charge or was.charge,
                amount_authorized_minor=amount,
                authorized_until=until or was.authorized_until,
            )
        case PaymentCaptured(intent, charge, captured, final):
            # what was captured had been authorised as a whole, whether or not we were told
            authorized = was.amount_authorized_minor or was.terms.money.amount_minor
            return replace(
                payment,
                intent=intent,
                charge=charge or was.charge,
                amount_authorized_minor=authorized,
                amount_captured_minor=captured,
                authorized_until=None if final else was.authorized_until,
            )
        case PaymentCanceled(reason, intent, charge):
            return replace(
                payment,
                cancellation_reason=reason,
                intent=intent or was.intent,
                charge=charge or was.charge,
                authorized_until=None,
            )
        case PaymentDeclined(decline, intent):
            return replace(payment, decline=decline, intent=intent or was.intent)
        case PaymentOutcomeUnknown():
            return replace(payment, unknown_since=was.unknown_since or at, next_action=was.next_action)
        case PaymentReviewRequired(reason):
            return replace(payment, review_reason=reason, unknown_since=was.unknown_since)
        case PaymentRequested() | PaymentCaptureRequested() | PaymentCancelRequested():
            return replace(payment, next_action=was.next_action)
    assert_never(data)


def _evolve_refund(before: Transaction, event: Event, data: RefundEvent) -> Transaction:
    was = before.refunds.get(data.refund_id)
    status = refunds.TRANSITIONS.get((was.status if was else None, refunds.move(data)))
    if status is None or before.payment is None:
        raise InvariantBroken(f"{data.refund_id}: {refunds.move(data)} is no move of {was and was.status}")
    if isinstance(data, RefundRequested):
        refund = Refund(
            data.refund_id, status, data.amount_minor, event.at, event.at, data.reason, data.metadata
        )
    else:
        assert was is not None  # the table knows no other first move
        refund = _refund_after(was, status, event.at, data)
    payment = replace(before.payment, updated_at=event.at)
    return replace(before, payment=payment, refunds=before.refunds | {data.refund_id: refund})


def _refund_after(was: Refund, status: RefundStatus, at: datetime, data: RefundEvent) -> Refund:
    refund = replace(was, status=status, updated_at=at)
    match data:
        case RefundPending() | RefundSucceeded() | RefundCanceled():
            return replace(refund, provider_refund=data.provider_refund or was.provider_refund)
        case RefundFailed():
            provider_refund = data.provider_refund or was.provider_refund
            return replace(refund, provider_refund=provider_refund, failure_reason=data.failure_reason)
    return refund


def _check_money(after: Transaction) -> None:
    """Refunded + pending ≤ captured ≤ authorised ≤ asked for, always."""
    payment = after.payment
    if payment is None:
        return
    captured, authorized = payment.amount_captured_minor, payment.amount_authorized_minor
    if not 0 <= captured <= authorized <= payment.terms.money.amount_minor:
        raise InvariantBroken(f"{after.id}: captured {captured} of {authorized} authorised")
    if after.amount_refundable_minor < 0:
        raise InvariantBroken(f"{after.id}: more refunded than captured")
