"""Walks every state a payment of 1000 with at most one refund can reach, saying everything that can be said in each.

States that differ only in ids, times, reasons and the size of a refund count as one. Nothing is asserted here but the laws.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

from models.commands import CheckPayment, Command, RecordNotice, RecordOutcome
from models.errors import InvariantBroken
from models.fields import PAYMENT_RESOLUTIONS, REFUND_RESOLUTIONS
from models.payment import PaymentStatus
from models.policy import Policy, Velocity
from models.provider import (
    Answered,
    Decline,
    Declined,
    Deferred,
    DisputeStatus,
    Operation,
    Outcome,
    RefundStatus,
    Rejected,
    Screened,
    Unknown,
)
from models.transaction import Transaction
from tests.models import samples
from tests.models.laws import History

TRIES_MAX = 2
"""Captures and cancellations in one story; after a third it is no other state."""

A_DAY = timedelta(hours=24)
State = tuple[object, ...]
_ids = count()


@dataclass
class Explored:
    histories: dict[State, History] = field(default_factory=dict)
    lies: list[tuple[State, Command]] = field(default_factory=list)
    steps: int = 0
    edges: History = field(default_factory=History)
    kinds: set[type[object]] = field(default_factory=set)

    @property
    def statuses(self) -> set[PaymentStatus]:
        found = (h.transaction.payment for h in self.histories.values() if h.transaction)
        return {payment.status for payment in found if payment}


def explore() -> Explored:
    """Breadth first. A command that is answered by InvariantBroken is kept as a lie and changes nothing.

    What a customer may pay is limited, so one payment of each kind begins with that question.
    """
    start = History(policy=Policy(velocity=Velocity(payments_max=1)))
    explored = Explored({state_of(None): start})
    waiting = deque([start])
    while waiting:
        history = waiting.popleft()
        for command in everything(history.transaction):
            after = history.aside()
            explored.steps += 1
            try:
                explored.kinds |= {type(event.data) for event in after.say(command)}
            except InvariantBroken:
                explored.lies.append((state_of(history.transaction), command))
                continue
            explored.edges.payment_edges |= after.payment_edges
            explored.edges.refund_edges |= after.refund_edges
            explored.edges.dispute_edges |= after.dispute_edges
            state = state_of(after.transaction)
            if state not in explored.histories:
                explored.histories[state] = after
                waiting.append(after)
    return explored


def state_of(transaction: Transaction | None) -> State:
    if transaction is None or transaction.payment is None:
        return (transaction is None,)
    payment = transaction.payment
    (refund,) = transaction.refunds.values() or (None,)
    (dispute,) = transaction.disputes.values() or (None,)
    return (
        payment.status,
        payment.amount_authorized_minor,
        payment.amount_captured_minor,
        payment.intent,
        payment.review_reason,
        payment.next_action is not None,
        dispute and (dispute.status, dispute.withdrawn, dispute.reinstated),
        tuple(
            (call.call.operation, call.command is None, getattr(call.call.ask, "final", None))
            for call in transaction.calls.values()
        ),
        min(_tries(transaction), TRIES_MAX),
        refund and (refund.status, refund.provider_refund),
    )


def everything(transaction: Transaction | None) -> Iterator[Command]:
    if transaction and (transaction.disputes or _is_looking(transaction)):
        # what else could be said leads where it leads without them
        yield from _disputes(transaction)
        yield from _outcomes(transaction)
        yield samples.refund(100, id=_fresh())
        return
    yield from _public(transaction)
    if transaction is None:
        yield samples.check(0)
        return
    yield from _outcomes(transaction)
    yield from _checks(transaction)
    yield from (samples.notice(seen) for seen in samples.INTENTS)
    yield from _disputes(transaction)
    for refund in transaction.refunds.values():
        yield from (samples.notice(samples.refunded(status, refund.amount_minor)) for status in RefundStatus)


def _public(transaction: Transaction | None) -> Iterator[Command]:
    yield samples.create(_fresh())
    yield samples.create(_fresh(), customer="cus_1")
    yield samples.create_manual(_fresh())
    yield samples.create(_fresh(), age_s=21 * 3600)
    yield samples.invalid(_fresh())
    yield samples.capture(id=_fresh(), by=samples.STRANGER)
    if transaction is None or _tries(transaction) < TRIES_MAX:
        yield samples.cancel(id=_fresh())
        yield samples.capture(300, final=False, id=_fresh())
        yield samples.capture(300, id=_fresh())
        yield samples.capture(id=_fresh())
    yield samples.refund(100, id=_fresh())
    yield samples.refund(id=_fresh())
    if transaction:
        for found in PAYMENT_RESOLUTIONS:
            yield samples.resolve(found, id=_fresh())
            yield samples.resolve(found, amount_minor=300, id=_fresh())
        yield samples.resolve("canceled", intent=None, id=_fresh())
        yield from (
            samples.resolve(found, refund_id, id=_fresh())
            for refund_id in transaction.refunds
            for found in REFUND_RESOLUTIONS
        )


def _is_looking(transaction: Transaction) -> bool:
    return any(call.call.operation is Operation.READ for call in transaction.calls.values())


def _disputes(transaction: Transaction) -> Iterator[RecordNotice]:
    """Of a payment that only was captured: what else was done with it does not touch them."""
    captured = transaction.payment and transaction.payment.amount_captured_minor
    if captured and not (transaction.refunds or transaction.calls or _tries(transaction)):
        for status in DisputeStatus:
            yield samples.notice(samples.disputed(status))
            yield samples.notice(samples.disputed(status, reinstated=True))


def _tries(transaction: Transaction) -> int:
    """Captures and cancellations that were asked for; our own come by themselves and end."""
    return sum(transaction.attempts.get(name, 0) for name in (Operation.CAPTURE, Operation.CANCEL))


def _outcomes(transaction: Transaction) -> Iterator[RecordOutcome]:
    decline = Decline("card_declined")
    for key, call in transaction.calls.items():
        if call.call.operation is Operation.SCREEN:
            others: tuple[Outcome, ...] = (Screened(True), Screened(False, "too many"), Deferred("paused"))
            yield from (samples.outcome(key, other) for other in (*others, Unknown("lost")))
            continue
        for other in (Declined(decline, "pi_1"), Rejected("code", "no"), Unknown("lost"), Deferred("paused")):
            yield samples.outcome(key, other)
        yield samples.unknown(key, A_DAY.total_seconds())
        refund = transaction.refunds.get(getattr(call.call.ask, "refund_id", ""))
        if refund is None:
            yield from (samples.answer(key, seen) for seen in samples.INTENTS)
        else:
            shown = (samples.refunded(status, refund.amount_minor) for status in RefundStatus)
            yield from (samples.answer(key, seen) for seen in shown)
    yield samples.unknown(f"{transaction.id}:create:99")


def _checks(transaction: Transaction) -> Iterator[CheckPayment]:
    due = transaction.next_check_at
    asked = [call.call.requested_at for call in transaction.calls.values()]
    ends = [transaction.expiry_told_at, transaction.abandon_at if _tries(transaction) < TRIES_MAX else None]
    for at in (due and due - timedelta(seconds=1), due, asked and min(asked) + A_DAY, *ends):
        if at:
            yield samples.check((at - samples.START).total_seconds())


def _fresh() -> str:
    return f"command-{next(_ids)}"


def can_lie(command: Command) -> bool:
    """Only evidence can contradict what is known; a public command, a doubt or a check never does."""
    return isinstance(command, RecordNotice) or (
        isinstance(command, RecordOutcome) and isinstance(command.outcome, Answered)
    )
