"""A provider that does what Stripe promises: one execution per key, its answer stored for a day, a notice for every change.

What it chooses, and when things happen there, is drawn by whoever runs it. It never asks anything of our rules.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

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
from tests.models.honest_bank import HonestBank
from tests.models.samples import START

Choose = Callable[[Sequence[str]], str]

_S, _R = IntentStatus, RefundStatus
HELD = (_R.PENDING, _R.SUCCEEDED)

KEYS_KEPT = timedelta(hours=24)
"""Source: Stripe, idempotent requests: at least so long; here not a second longer."""

AUTHORIZED_FOR = timedelta(days=7)
"""Source: Stripe, place a hold on a payment method: by default."""

PART_MINOR = 100
"""What is captured there by hand, where not all of it is."""


@dataclass
class HonestProvider:
    choose: Choose
    now: datetime = START
    intent: IntentSnapshot | None = None
    method: CaptureMethod = CaptureMethod.AUTOMATIC
    refunds: dict[str, RefundSnapshot] = field(default_factory=dict)
    stored: dict[str, tuple[Outcome, datetime]] = field(default_factory=dict)
    notices: list[Snapshot] = field(default_factory=list)
    charges: int = 0
    by_hand_minor: int = 0

    def __post_init__(self) -> None:
        self.bank = HonestBank(self.choose)

    @property
    def balance_minor(self) -> int:
        """What the merchant has of this payment: captured, less what was refunded (or is being) and what the bank took."""
        captured = self.intent.amount_captured_minor if self.intent else 0
        return captured - self._held_minor - self.bank.holds_minor

    @property
    def _held_minor(self) -> int:
        return sum(refund.amount_minor for refund in self.refunds.values() if refund.status in HELD)

    def send(self, call: PspCall) -> Outcome:
        """The answer to `call`: the stored one if its key is still known."""
        stored = self.stored.get(call.key)
        if stored is None or self.now - stored[1] > KEYS_KEPT:
            stored = self.stored[call.key] = self._execute(call), self.now
        return stored[0]

    def look(self, call: PspCall) -> Outcome | None:
        """How what `call` is about stands now; None: there is nothing of it."""
        seen: Snapshot | None = self.intent
        if isinstance(call.ask, RefundIntent):
            seen = self.refunds.get(call.ask.refund_id)
        return Answered(seen) if seen else None

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
        self.method = ask.terms.capture_method
        paid = self._paid
        chosen = self.choose((paid, paid, paid, "requires_action", "processing", "declined", "rejected"))
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
        amount, ends = self.intent.amount_minor, self.now + AUTHORIZED_FOR
        changed: dict[str, object] = {}
        if status == "authorized":
            changed = {"amount_capturable_minor": amount, "charge": "ch_1", "authorized_until": ends}
        elif status == "captured":
            changed = {"amount_captured_minor": amount, "charge": "ch_1"}
        self._become(_S(status), decline=None, **changed)
        return Answered(self.intent)

    def _capture(self, ask: CaptureIntent) -> Outcome:
        assert self.intent
        left = self.intent.amount_capturable_minor
        if self.intent.status is not _S.AUTHORIZED:
            return Answered(self.intent)
        assert 0 < ask.amount_minor <= left + self.by_hand_minor, "more asked for than can be captured"
        if ask.amount_minor > left:
            return Rejected("amount_too_large", "somebody has captured it")
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
        refunded = self._held_minor + ask.amount_minor
        assert refunded <= self.intent.amount_captured_minor, "more refunded than captured"
        if self.bank.forbids_refunds:
            return Rejected("charge_disputed", "the charge has been charged back")
        chosen = self.choose(("succeeded", "succeeded", "pending", "failed", "rejected"))
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
        match self.intent.status:
            case _S.REQUIRES_ACTION:
                self._by_itself(("processing", "failed", self._paid))
            case _S.PROCESSING:
                self._by_itself(("failed", self._paid))
            case _S.FAILED:  # the customer tries again, unless somebody has closed it
                self._by_itself(("failed", self._paid))
            case _S.AUTHORIZED if self.intent.authorized_until and self.intent.authorized_until <= self.now:
                self._become(_S.CANCELED, amount_capturable_minor=0, cancellation_reason="automatic")
        for refund in list(self.refunds.values()):
            after = {_R.PENDING: ("succeeded", "failed", "canceled"), _R.SUCCEEDED: ("succeeded", "failed")}
            if refund.status in after:
                self._keep(replace(refund, status=_R(self.choose(after[refund.status]))))

    def somebody_works_by_hand(self) -> None:
        """At the provider's own pages, past us: what is held is captured there, in part or whole, or what is open is canceled."""
        assert self.intent
        held, captured = self.intent.amount_capturable_minor, self.intent.amount_captured_minor
        chosen = self.choose(("captured", "in part", "canceled")) if held else "canceled"
        if chosen == "captured":
            self._become(_S.CAPTURED, amount_captured_minor=captured + held, amount_capturable_minor=0)
        elif chosen == "in part" and held > PART_MINOR:
            self.by_hand_minor += PART_MINOR
            rest = held - PART_MINOR
            self._become(
                _S.AUTHORIZED, amount_captured_minor=captured + PART_MINOR, amount_capturable_minor=rest
            )
        elif self.intent.status in (_S.AUTHORIZED, _S.REQUIRES_ACTION):
            self._become(_S.CANCELED, amount_capturable_minor=0)

    def the_bank_goes_on(self) -> None:
        assert self.intent
        if self.intent.status is _S.CAPTURED and (seen := self.bank.go_on(self.intent)):
            self.notices.append(seen)

    @property
    def _paid(self) -> str:
        return "authorized" if self.method is CaptureMethod.MANUAL else "captured"

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
