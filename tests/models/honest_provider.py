"""A provider that does what Stripe promises: one execution per key, its answer stored, a notice for every change.

What it chooses, and when things happen there, is drawn by whoever runs it. It never asks anything of our rules.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from models.provider import (
    Answered,
    CancelIntent,
    CaptureIntent,
    CreateIntent,
    Decline,
    Declined,
    IntentSnapshot,
    IntentStatus,
    Outcome,
    PspCall,
    ReadIntent,
    RefundIntent,
    RefundSnapshot,
    RefundStatus,
    Rejected,
    ScreenCustomer,
    Snapshot,
)
from models.terms import CaptureMethod

T = TypeVar("T")
Choose = Callable[[Sequence[T]], T]

_S, _R = IntentStatus, RefundStatus
HELD = (_R.PENDING, _R.SUCCEEDED)


@dataclass
class HonestProvider:
    choose: Choose[str]
    intent: IntentSnapshot | None = None
    refunds: dict[str, RefundSnapshot] = field(default_factory=dict)
    stored: dict[str, Outcome] = field(default_factory=dict)
    notices: list[Snapshot] = field(default_factory=list)
    charges: int = 0

    def send(self, call: PspCall) -> Outcome:
        """The answer to `call`: the stored one if its key was executed before. A look shows how it stands now."""
        if isinstance(call.ask, ReadIntent):
            assert self.intent
            return Answered(self.intent)
        if call.key not in self.stored:
            self.stored[call.key] = self._execute(call)
        return self.stored[call.key]

    def _execute(self, call: PspCall) -> Outcome:
        match call.ask:
            case CreateIntent():
                return self._create(call.ask)
            case CaptureIntent():
                return self._capture(call.ask)
            case CancelIntent():
                return self._cancel()
            case RefundIntent():
                return self._refund(call.ask)
            case ReadIntent() | ScreenCustomer():
                raise AssertionError("no provider executes this")

    def _create(self, ask: CreateIntent) -> Outcome:
        assert self.intent is None, "a second charge"
        self.charges += 1
        money = ask.terms.money
        paid = "authorized" if ask.terms.capture_method is CaptureMethod.MANUAL else "captured"
        chosen = self.choose((paid, "requires_action", "processing", "declined", "rejected"))
        if chosen == "rejected":
            return Rejected("resource_missing", "no such method")
        self.intent = IntentSnapshot("pi_1", _S.PROCESSING, money.currency, money.amount_minor)
        if chosen == "declined":
            decline = Decline("card_declined")
            self._become(_S.FAILED, decline=decline)
            return Declined(decline, "pi_1")
        return self._pay(chosen)

    def _pay(self, status: str) -> Answered:
        assert self.intent
        amount = self.intent.amount_minor
        match status:
            case "authorized":
                self._become(_S.AUTHORIZED, amount_capturable_minor=amount, charge="ch_1")
            case "captured":
                self._become(_S.CAPTURED, amount_captured_minor=amount, charge="ch_1")
            case _:
                self._become(_S(status))
        return Answered(self.intent)

    def _capture(self, ask: CaptureIntent) -> Outcome:
        assert self.intent
        left = self.intent.amount_capturable_minor
        if self.intent.status is not _S.AUTHORIZED:
            return Answered(self.intent)
        assert 0 < ask.amount_minor <= left, "more asked for than can be captured"
        if self.choose(("done", "done", "rejected")) == "rejected":
            return Rejected("capture_failed", "not now")
        captured = self.intent.amount_captured_minor + ask.amount_minor
        rest = 0 if ask.final else left - ask.amount_minor
        status = _S.CAPTURED if ask.final else _S.AUTHORIZED
        self._become(status, amount_captured_minor=captured, amount_capturable_minor=rest)
        return Answered(self.intent)

    def _cancel(self) -> Outcome:
        assert self.intent
        if self.intent.status not in (_S.AUTHORIZED, _S.REQUIRES_ACTION, _S.FAILED):
            return Answered(self.intent)
        if self.choose(("done", "done", "rejected")) == "rejected":
            return Rejected("cancel_failed", "not now")
        self._become(_S.CANCELED, amount_capturable_minor=0)
        return Answered(self.intent)

    def _refund(self, ask: RefundIntent) -> Outcome:
        assert self.intent
        assert ask.refund_id not in self.refunds, "a second refund under one id"
        held = sum(refund.amount_minor for refund in self.refunds.values() if refund.status in HELD)
        assert held + ask.amount_minor <= self.intent.amount_captured_minor, "more refunded than captured"
        chosen = self.choose(("succeeded", "pending", "failed", "rejected"))
        if chosen == "rejected":
            return Rejected("refund_failed", "not now")
        refund = RefundSnapshot(
            ask.refund_id, f"at-{ask.refund_id}", _R(chosen), self.intent.currency, ask.amount_minor
        )
        self._keep(refund)
        return Answered(refund)

    def go_on(self) -> None:
        """Something happens there by itself: the customer acts, the bank answers, an authorisation expires."""
        assert self.intent
        manual_paid = ("authorized", "captured")
        match self.intent.status:
            case _S.REQUIRES_ACTION:
                self._by_itself(("processing", "failed", *manual_paid))
            case _S.PROCESSING:
                self._by_itself(("failed", *manual_paid))
            case _S.AUTHORIZED:
                self._become(_S.CANCELED, amount_capturable_minor=0)
        for refund in list(self.refunds.values()):
            after = {_R.PENDING: ("succeeded", "failed", "canceled"), _R.SUCCEEDED: ("succeeded", "failed")}
            if refund.status in after:
                self._keep(replace(refund, status=_R(self.choose(after[refund.status]))))

    def _by_itself(self, possible: Sequence[str]) -> None:
        chosen = self.choose(possible)
        if chosen == "failed":
            self._become(_S.FAILED, decline=Decline("authentication_failed"))
        else:
            self._pay(chosen)

    def _become(self, status: IntentStatus, **changed: object) -> None:
        assert self.intent
        self.intent = replace(self.intent, status=status, **changed)  # type: ignore[arg-type]
        self.notices.append(self.intent)

    def _keep(self, refund: RefundSnapshot) -> None:
        self.refunds[refund.refund_id] = refund
        self.notices.append(refund)
