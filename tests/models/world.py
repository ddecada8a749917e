"""One payment's world: a clock, a gateway that keeps to its rules, an operator who tells the truth, an honest provider.

What is sent when is drawn by whoever runs it; what must hold in the end is in `agreement.py`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import get_args

from models import payment as payments
from models import refund as refunds
from models.calls import attempted
from models.commands import Command, PublicCommand, RecordNotice, ResolvePayment
from models.deciding import decide
from models.errors import InvariantBroken
from models.events import Event, PaymentReadRequested
from models.fields import REFUND_RESOLUTIONS
from models.policy import Policy
from models.provider import (
    IntentStatus,
    Operation,
    Outcome,
    PspCall,
    ReadIntent,
    RefundSnapshot,
    RefundStatus,
    ScreenCustomer,
    Screened,
    Snapshot,
    Unknown,
)
from models.recheck import expiry_told_at, key_is_too_old
from models.transaction import Transaction, react
from tests.models import samples
from tests.models.honest_provider import HELD, Choose, HonestProvider
from tests.models.laws import History

WORDS = {
    IntentStatus.AUTHORIZED: "authorized",
    IntentStatus.CAPTURED: "captured",
    IntentStatus.CANCELED: "canceled",
    IntentStatus.FAILED: "declined",
}


class World:
    def __init__(self, choose: Choose, policy: Policy) -> None:
        self.choose = choose
        self.history = History(policy=policy)
        self.provider = HonestProvider(choose)
        self.now = samples.START
        self.sent: list[PublicCommand] = []
        self.calls: list[PspCall] = []

    @property
    def known(self) -> Transaction:
        assert self.history.transaction
        return self.history.transaction

    def say(self, command: Command) -> list[Event]:
        """Now. Every call that it leads to is the gateway's to send from now on."""
        timed = replace(command, origin=replace(command.origin, at=self.now))
        if isinstance(timed, get_args(PublicCommand)):
            self.sent.append(timed)
        try:
            events = self.history.say(timed)
        except InvariantBroken:
            # a dead letter, and an alarm: somebody's word stands against it, and which of them is older nobody can tell
            assert self._contradicts_a_person(timed)
            return []
        asked = [react(event) for event in events]
        self.calls.extend(call for call in asked if call is not None)
        return events

    def _contradicts_a_person(self, command: Command) -> bool:
        if not isinstance(command, RecordNotice) or not isinstance(command.snapshot, RefundSnapshot):
            return False
        refund = self.known.refunds[command.snapshot.refund_id]
        return refund.failure_reason == "resolved_as_failed" and command.snapshot.status in HELD

    def say_twice(self, command: Command) -> None:
        """The second time it leads to nothing, but perhaps to another look."""
        if not self.say(command):
            return
        again = decide(self.known, replace(command, origin=replace(command.origin, at=self.now)))
        assert all(isinstance(event.data, PaymentReadRequested) for event in again), "said twice, done twice"

    def time_passes(self, time: timedelta) -> None:
        self.now += time
        self.provider.now = self.now
        if self.history.transaction is None:
            return
        self.say(samples.check(0))
        due, payment = self.known.next_check_at, self.known.payment
        assert due is None or due > self.now, "looked after, and still due"
        if payment and payment.status is payments.PaymentStatus.AUTHORIZED and payment.authorized_until:
            late = expiry_told_at(payment.authorized_until) <= self.now
            assert payment.expiry_told or not late, "an authorisation ends, and nobody was told"

    def send(self, call: PspCall) -> Outcome:
        """As the gateway does: no key is sent when the provider may have forgotten it; then there is only to look."""
        if isinstance(call.ask, ScreenCustomer):
            return Screened(self.choose(("yes", "yes", "no")) == "yes")
        if isinstance(call.ask, ReadIntent) or key_is_too_old(call.requested_at, self.now):
            return self.provider.look(call) or Unknown("nothing of it to be found")
        return self.provider.send(call)

    @contextmanager
    def all_goes_well(self) -> Iterator[None]:
        """Whoever has a choice does what was hoped for."""
        self.provider.choose, usual = lambda possible: possible[0], self.provider.choose
        yield
        self.provider.choose = usual

    def answer_all(self) -> None:
        """The network is well again: whatever is open is sent, and answered."""
        while self.history.transaction and self.known.calls:
            call = next(iter(self.known.calls.values())).call
            self.say(samples.outcome(call.key, self.send(call)))

    def hear(self, notices: Sequence[Snapshot]) -> None:
        """The webhooks come in this order, and each look that they give rise to is answered."""
        for seen in notices:
            self.say(samples.notice(seen))
            if self.choose(("look now", "look later")) == "look now":
                self.answer_all()
        self.answer_all()

    def operator_looks(self) -> None:
        """Everything in doubt of which there is something to be seen is settled, by what is seen."""
        payment = self.known.payment
        if payment and payment.status in payments.IN_DOUBT and (word := self._word_about_payment()):
            self.say(word)
        for refund in list(self.known.refunds.values()):
            if refund.status in refunds.IN_DOUBT and (found := self._refund_found(refund.id)):
                self.say(samples.resolve(found, refund.id, id=self._fresh()))

    def _word_about_payment(self) -> ResolvePayment | None:
        theirs = self.provider.intent
        if theirs is None:
            nothing = not self._may_still_be_sent(Operation.CREATE.value)
            return samples.resolve("declined", intent=None, id=self._fresh()) if nothing else None
        word, amount = WORDS.get(theirs.status), None
        if theirs.amount_captured_minor and theirs.status is not IntentStatus.AUTHORIZED:
            word, amount = "captured", theirs.amount_captured_minor
        return samples.resolve(word, amount_minor=amount, id=self._fresh()) if word else None

    def _refund_found(self, refund_id: str) -> str | None:
        theirs = self.provider.refunds.get(refund_id)
        if theirs is None:
            return None if self._may_still_be_sent(f"refund-{refund_id}") else RefundStatus.FAILED.value
        return theirs.status.value if theirs.status.value in REFUND_RESOLUTIONS else None

    def _may_still_be_sent(self, operation: str) -> bool:
        """By a gateway that had slept: as long as its key is young."""
        asked = [call for call in self.calls if attempted(call) == operation]
        return any(not key_is_too_old(call.requested_at, self.now) for call in asked)

    def _fresh(self) -> str:
        return f"word-{len(self.sent)}"
