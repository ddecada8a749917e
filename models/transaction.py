"""The transaction: one payment with its refunds, its disputes, its open provider calls and the commands it remembers.

The core of Millrace is three pure functions:

    decide(transaction | None, command) -> list[Event]      in `deciding.py`; a refusal is an event, never an exception
    evolve(transaction | None, event)   -> Transaction      here; the next status comes from the TRANSITIONS tables
    react(event)                        -> PspCall | None   here; what the outside world must now be asked

A transaction has one writer at a time (the owner of its partition), so between reading it and writing it nothing moves.
Nothing here knows what time it is: time comes in with the commands.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from models import dispute as disputes
from models import payment as payments
from models import refund as refunds
from models.calls import OpenCall, asked_by, attempted, still_open
from models.dispute import Dispute
from models.errors import InvariantBroken
from models.events import (
    CallDeferred,
    CallEnded,
    CallRepeated,
    CommandRefused,
    DisputeClosed,
    DisputeEvent,
    DisputeOpened,
    DisputeUpdated,
    Event,
    PaymentEvent,
    PaymentReadRequested,
    PaymentRequested,
    RefundCanceled,
    RefundEvent,
    RefundFailed,
    RefundOutcomeUnknown,
    RefundPending,
    RefundRequested,
    RefundReviewRequired,
    RefundSucceeded,
    ReviewResolved,
)
from models.payment import Payment, PaymentStatus
from models.provider import Operation, PspCall, RefundStatus
from models.recheck import expiry_told_at, looked_again_at
from models.refund import RESERVING, Refund
from models.remembering import Remembered, remember

CANCELS_MAX = 50
"""Cancellations asked of the provider for one payment: each is remembered for ever, also one that was then refused."""


@dataclass(frozen=True, slots=True)
class Transaction:
    id: str
    merchant: str | None = None  # nobody's until a payment was requested
    sequence: int = 0
    payment: Payment | None = None
    refunds: dict[str, Refund] = field(default_factory=dict)
    disputes: dict[str, Dispute] = field(default_factory=dict)  # by the provider's id
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
    def amount_disputed_minor(self) -> int:
        """What the provider holds because of disputes, of those in the payment's currency: others cannot be added."""
        currency = self.payment.terms.money.currency if self.payment else None
        return sum(each.amount_held_minor for each in self.disputes.values() if each.currency == currency)

    @property
    def next_check_at(self) -> datetime | None:
        """When this wants to be looked after next: an open call, a customer who may have left, an authorisation's end, or an end
        that nobody tells of.
        """
        due = [call.next_check_at for call in self.calls.values()]
        due += [at for at in (self.abandon_at, self.expiry_told_at, self.look_at) if at]
        return min(due, default=None)

    @property
    def in_doubt_since(self) -> datetime | None:
        """Since when nobody knows the end of this payment, or of one of its refunds; None: all of it is known."""
        payment = self.payment
        since = [refund.updated_at for refund in self.refunds.values() if refund.status in refunds.IN_DOUBT]
        if payment and payment.status in payments.IN_DOUBT:
            since.append(payment.unknown_since or payment.updated_at)
        return min(since, default=None)

    @property
    def abandon_at(self) -> datetime | None:
        """When the payment is given up if the customer has not acted. Not while something else is under way."""
        payment = self.payment
        if payment is None or payment.status is not PaymentStatus.REQUIRES_ACTION or self.payment_call():
            return None
        return payment.abandon_at if self.attempts.get(Operation.CANCEL, 0) < CANCELS_MAX else None

    @property
    def expiry_told_at(self) -> datetime | None:
        """When the merchant must hear that the authorisation will end."""
        payment = self.payment
        if payment is None or payment.status is not PaymentStatus.AUTHORIZED or payment.expiry_told:
            return None
        return payment.authorized_until and expiry_told_at(payment.authorized_until)

    @property
    def look_at(self) -> datetime | None:
        """When the provider is asked what has become of a payment whose method takes its time."""
        payment = self.payment
        if payment is None or payment.status is not PaymentStatus.PROCESSING or self.calls:
            return None
        return looked_again_at(payment.looked_at or payment.updated_at)

    def payment_call(self) -> OpenCall | None:
        """The open call that may move the payment itself: there is never more than one."""
        for call in self.calls.values():
            if call.call.operation not in (Operation.REFUND, Operation.READ):
                return call
        return None


def react(event: Event) -> PspCall | None:
    """What the provider must now be asked because of `event`."""
    return event.data.call if isinstance(event.data, CallRepeated) else asked_by(event.data)


def evolve(transaction: Transaction | None, event: Event) -> Transaction:
    """The transaction after `event`. Raises InvariantBroken for a move that is in no table, or a gap in the sequence."""
    before = transaction or Transaction(event.payment_id)
    if event.sequence != before.sequence + 1:
        raise InvariantBroken(f"{event.payment_id}: event {event.sequence} after {before.sequence}")
    data = event.data
    changed: dict[str, Any] = {"sequence": event.sequence, "commands": remember(before.commands, event)}
    match data:
        case CommandRefused():
            # a call that was refused for good is closed with the command that made it
            changed["calls"] = {k: c for k, c in before.calls.items() if c.command != event.settles}
            return replace(before, **changed)
        case CallDeferred() | CallRepeated() | CallEnded() | ReviewResolved():
            pass
        case PaymentReadRequested():
            changed["payment"] = before.payment and replace(before.payment, looked_at=event.at)
        case (
            RefundRequested()
            | RefundPending()
            | RefundSucceeded()
            | RefundFailed()
            | RefundCanceled()
            | RefundOutcomeUnknown()
            | RefundReviewRequired()
        ):
            changed |= _refund_moved(before, event, data)
        case DisputeOpened() | DisputeUpdated() | DisputeClosed():
            changed |= _dispute_moved(before, event, data)
        case _:
            changed |= _payment_moved(before, event, data)
    captured = before.payment.amount_captured_minor if before.payment else 0
    calls, attempts = still_open(before.calls, event, captured), _attempts(before.attempts, event)
    after = replace(before, **changed, calls=calls, attempts=attempts)
    _check_money(after)
    return after


def _attempts(attempts: dict[str, int], event: Event) -> dict[str, int]:
    call = react(event)
    if call is None or isinstance(event.data, CallRepeated):
        return attempts
    operation = attempted(call)
    return attempts | {operation: attempts.get(operation, 0) + 1}


def _payment_moved(before: Transaction, event: Event, data: PaymentEvent) -> dict[str, Any]:
    """The members of the transaction that a move of its payment changes."""
    was = before.payment.status if before.payment else None
    status = payments.TRANSITIONS.get((was, payments.move(data)))
    if status is None:
        raise InvariantBroken(f"{before.id}: {payments.move(data)} is no move of a payment that is {was}")
    if isinstance(data, PaymentRequested):
        requested = Payment(status, data.terms, event.at, event.at, account=data.call.account)
        return {"merchant": event.merchant, "payment": requested}
    if before.payment is None:
        raise InvariantBroken(f"{before.id}: {payments.move(data)} of no payment")
    return {"payment": payments.after(before.payment, status, event.at, data)}


def _refund_moved(before: Transaction, event: Event, data: RefundEvent) -> dict[str, Any]:
    """The members of the transaction that a move of one of its refunds changes."""
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
        refund = refunds.after(was, status, event.at, data)
    payment = replace(before.payment, updated_at=event.at)
    return {"payment": payment, "refunds": before.refunds | {data.refund_id: refund}}


def _dispute_moved(before: Transaction, event: Event, data: DisputeEvent) -> dict[str, Any]:
    """The members of the transaction that a move of one of its disputes changes."""
    was = before.disputes.get(data.dispute_id)
    known = (was.status if was else None, data.status)
    if (
        known not in disputes.TRANSITIONS
        or isinstance(data, DisputeOpened) == bool(was)
        or not before.payment
    ):
        raise InvariantBroken(f"{data.dispute_id}: {data.status} is no move of {was and was.status}")
    payment = replace(before.payment, updated_at=event.at)
    dispute = disputes.after(was, event.at, data)
    return {"payment": payment, "disputes": before.disputes | {data.dispute_id: dispute}}


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
