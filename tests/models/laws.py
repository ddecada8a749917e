"""What must hold at every step of every story: `History.say` decides, applies, and checks all of it. No story lives here."""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import get_args

from models import payment as payments
from models import policy as policies
from models import refund as refunds
from models.commands import Command, PublicCommand, ResolvePayment
from models.deciding import decide, remembered, remembered_as
from models.events import (
    CallRepeated,
    CommandRefused,
    DisputeEvent,
    Event,
    PaymentCaptured,
    PaymentCaptureRequested,
    PaymentEvent,
    PaymentReadRequested,
    PaymentReviewRequired,
    RefundEvent,
    ReviewResolved,
)
from models.payment import PaymentMove, PaymentStatus
from models.policy import Policy
from models.provider import Ask, DisputeStatus, Operation, PspCall, RefundStatus
from models.recheck import key_is_too_old
from models.refund import RefundMove
from models.resolving import NEVER_CAPTURED, NEVER_MADE
from models.transaction import Transaction, evolve, react
from tests.models.permissions import check_permitted

PAYMENT_EVENTS, REFUND_EVENTS, DISPUTE_EVENTS = map(get_args, (PaymentEvent, RefundEvent, DisputeEvent))
ENDS = (PaymentStatus.CAPTURED, PaymentStatus.DECLINED, PaymentStatus.CANCELED)

PaymentEdge = tuple[PaymentStatus | None, PaymentMove]
RefundEdge = tuple[RefundStatus | None, RefundMove]
DisputeEdge = tuple[DisputeStatus | None, DisputeStatus]


@dataclass
class History:
    """One payment's story so far, what was asked of the provider, and every edge of the tables that was walked."""

    transaction: Transaction | None = None
    events: list[Event] = field(default_factory=list)
    asked: dict[str, PspCall] = field(default_factory=dict)
    given_up: set[str] = field(default_factory=set)
    captures: dict[str, int] = field(default_factory=dict)
    captured_minor: int = 0
    payment_edges: set[PaymentEdge] = field(default_factory=set)
    refund_edges: set[RefundEdge] = field(default_factory=set)
    dispute_edges: set[DisputeEdge] = field(default_factory=set)
    policy: Policy = policies.DEFAULT

    def say(self, command: Command) -> list[Event]:
        """The events `command` leads to, applied. Raises InvariantBroken only out of `decide`, with nothing changed."""
        before = self.transaction
        events = decide(before, command, self.policy)
        assert events == decide(before, command, self.policy), "decide is not deterministic"
        after = before
        for event in events:
            self._walk(after, event)
            after = evolve(after, event)
            check_money(after)
            self._keep_call(event)
            self._keep_capture(event)
        check_numbering(before, command, events)
        check_settling(before, events)
        if isinstance(command, ResolvePayment):
            self._check_denial(before, command, events)
        self._keep_given_up(command, events)
        self.transaction = after
        self.events.extend(events)
        if after is not None:
            check_ends(before, after)
            check_calls(after)
        if isinstance(command, get_args(PublicCommand)):
            check_remembered(before, after, command, events)
            check_permitted(before, command, self.policy, events)
        return events

    def aside(self) -> "History":
        """The same story, to be told on in another way."""
        return replace(
            self, events=list(self.events), asked=dict(self.asked), given_up=set(self.given_up), captures=dict(self.captures),
            payment_edges=set(), refund_edges=set(), dispute_edges=set(),
        )  # fmt: skip

    def _walk(self, before: Transaction | None, event: Event) -> None:
        data = event.data
        if isinstance(data, PAYMENT_EVENTS):
            was = before.payment.status if before and before.payment else None
            self.payment_edges.add((was, payments.move(data)))
        elif isinstance(data, REFUND_EVENTS):
            known = before.refunds.get(data.refund_id) if before else None
            self.refund_edges.add((known.status if known else None, refunds.move(data)))
        elif isinstance(data, DISPUTE_EVENTS):
            disputed = before.disputes.get(data.dispute_id) if before else None
            self.dispute_edges.add((disputed.status if disputed else None, data.status))

    def _keep_call(self, event: Event) -> None:
        """A key carries the same parameters for ever, and only a repetition brings it back."""
        call = react(event)
        if call is None:
            return
        if isinstance(event.data, CallRepeated):
            assert self.asked[call.key] == call, "a key came back with other parameters"
        else:
            assert call.key not in self.asked, "a key was used for a second call"
            self.asked[call.key] = call
        creates = [call for call in self.asked.values() if call.operation is Operation.CREATE]
        assert len(creates) <= 1, "a payment was created twice at the provider"

    def _keep_capture(self, event: Event) -> None:
        """What was answered as captured is in the total, whoever else captures."""
        match event.data:
            case PaymentCaptureRequested(amount) if event.opens:
                self.captures[event.opens] = amount
            case PaymentCaptured(amount_captured_minor=total):
                self.captured_minor += self.captures.get(event.settles or "", 0)
                assert self.captured_minor <= total, "said to be captured, and it was not"

    def _keep_given_up(self, command: Command, events: list[Event]) -> None:
        """The calls that were closed for a person while they might still be sent, and not by an answer of their own."""
        for event in events:
            key = event.data.call_key if isinstance(event.data, PaymentReviewRequired) else None
            if key and not key_is_too_old(self.asked[key].requested_at, event.at):
                self.given_up |= {key} - {getattr(command, "call_key", None)}

    def _check_denial(self, before: Transaction | None, command: ResolvePayment, events: list[Event]) -> None:
        """No create or capture that may still be sent is denied by a person."""
        said = [type(event.data) for event in events]
        if command.refund_id or before is None or ReviewResolved not in said or PaymentReadRequested in said:
            return
        seen = before.payment is not None and before.payment.intent is not None
        for call in (self.asked[key] for key in {*self.given_up, *before.calls}):
            never_made = call.operation is Operation.CREATE and command.resolution in NEVER_MADE and not seen
            never_captured = call.operation is Operation.CAPTURE and command.resolution in NEVER_CAPTURED
            if never_made or never_captured:
                assert key_is_too_old(call.requested_at, command.origin.at), f"{call.key} may still be made"

    def check_whole(self) -> None:
        """The whole story: replayed it gives the state, and no command was opened or settled twice."""
        replayed: Transaction | None = None
        for event in self.events:
            replayed = evolve(replayed, event)
        assert replayed == self.transaction
        assert len({event.id for event in self.events}) == len(self.events)
        for names in ([e.opens for e in self.events], [e.settles for e in self.events]):
            assert all(n == 1 for name, n in Counter(names).items() if name is not None)

    @property
    def open_commands(self) -> set[str]:
        known = self.transaction.commands if self.transaction else {}
        return {name for name, command in known.items() if not command.settled}

    @property
    def refund_asks(self) -> list[Ask]:
        return [call.ask for call in self.asked.values() if call.operation is Operation.REFUND]


def check_numbering(before: Transaction | None, command: Command, events: list[Event]) -> None:
    first = (before.sequence if before else 0) + 1
    assert [event.sequence for event in events] == list(range(first, first + len(events)))
    assert len({event.id for event in events}) == len(events)
    for event in events:
        assert event.payment_id == command.origin.payment_id
        assert event.caused_by == command.origin.command_id
        assert event.at == command.origin.at


def check_settling(before: Transaction | None, events: list[Event]) -> None:
    """A command is opened once; it is settled once, and only if it was open or is refused on the spot."""
    known = dict(before.commands) if before else {}
    is_open = {name for name, command in known.items() if not command.settled}
    for event in events:
        if event.opens is not None:
            assert event.opens not in known, "a command was opened twice"
            is_open.add(event.opens)
        if event.settles is not None:
            at_once = isinstance(event.data, CommandRefused | ReviewResolved) and event.settles not in known
            assert event.settles in is_open or at_once, "a command was settled twice"
            is_open.discard(event.settles)


def check_money(transaction: Transaction) -> None:
    payment = transaction.payment
    if payment is None:
        return
    amounts = payment.amount_captured_minor, payment.amount_authorized_minor
    reserved = transaction.amount_refunded_minor + transaction.amount_refund_pending_minor
    assert all(isinstance(amount, int) for amount in (*amounts, reserved))
    assert 0 <= reserved <= amounts[0] <= amounts[1] <= payment.terms.money.amount_minor
    assert transaction.amount_refundable_minor == amounts[0] - reserved
    assert payment.amount_capturable_minor >= 0


def check_ends(before: Transaction | None, after: Transaction) -> None:
    """What has ended stays ended; only money that moved afterwards brings a person in."""
    was = before.payment.status if before and before.payment else None
    now = after.payment.status if after.payment else None
    if was in ENDS and was is not now:
        assert was is not PaymentStatus.CAPTURED
        assert now is PaymentStatus.MANUAL_REVIEW
    if before and before.payment and after.payment:
        assert after.payment.amount_captured_minor >= before.payment.amount_captured_minor
        assert before.payment.intent in (None, after.payment.intent)
        assert before.payment.terms == after.payment.terms


def check_calls(after: Transaction) -> None:
    """Exactly the open commands have an open call, and the payment itself has one at most; what is our own only looks or
    cancels.
    """
    is_open = sorted(name for name, command in after.commands.items() if not command.settled)
    assert sorted(call.command for call in after.calls.values() if call.command) == is_open
    ours = [call.call.operation for call in after.calls.values() if call.command is None]
    assert set(ours) <= {Operation.CANCEL, Operation.READ}
    assert ours.count(Operation.READ) <= 1
    others = (Operation.REFUND, Operation.READ)
    calls = [call for call in after.calls.values() if call.call.operation not in others]
    assert len(calls) <= 1
    status = after.payment.status if after.payment else None
    if status in (*ENDS, PaymentStatus.MANUAL_REVIEW, None):
        closing = status in (PaymentStatus.DECLINED, PaymentStatus.MANUAL_REVIEW) and Operation.CANCEL in ours
        assert not calls or closing, f"a {calls[0].call.operation} of a {status} payment is still under way"
    if status is PaymentStatus.UNKNOWN:
        assert calls, "in doubt, and nobody will ever look"
    if status is PaymentStatus.PROCESSING:
        assert after.next_check_at, "its end may never be told, and nobody will ever look"
    for refund in after.refunds.values():
        if refund.status is RefundStatus.UNKNOWN:
            assert any(
                getattr(call.call.ask, "refund_id", None) == refund.id for call in after.calls.values()
            )


def check_remembered(
    before: Transaction | None, after: Transaction | None, command: PublicCommand, events: list[Event]
) -> None:
    """A public command is remembered; one that is known already leads to nothing."""
    assert after is not None
    assert remembered_as(after, command) in after.commands
    said = [event for event in events if event.opens or event.fingerprint]
    assert len(said) == (0 if remembered(before, command) else 1)
    assert len(events) == len(said) or isinstance(command, ResolvePayment)
    assert decide(after, command) == []
