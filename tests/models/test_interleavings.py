"""Laws that hold however commands, answers, doubts, checks and notices fall between each other."""

from collections.abc import Sequence
from itertools import count

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from models.commands import Command, CreatePayment, PublicCommand
from models.payment import PaymentStatus
from models.provider import IntentStatus, Operation, PspCall, RefundStatus, Snapshot
from models.transaction import Transaction, react
from tests.models import samples
from tests.models.fuzzing import examples
from tests.models.honest_provider import HonestProvider
from tests.models.laws import History

SHOWN = {
    IntentStatus.PROCESSING: PaymentStatus.PROCESSING,
    IntentStatus.REQUIRES_ACTION: PaymentStatus.REQUIRES_ACTION,
    IntentStatus.AUTHORIZED: PaymentStatus.AUTHORIZED,
    IntentStatus.CAPTURED: PaymentStatus.CAPTURED,
}


class OnePayment(RuleBasedStateMachine):
    """One payment between impatient merchants, a lossy network and an honest provider. Laws are checked at every step."""

    def __init__(self) -> None:
        super().__init__()
        self.history = History()
        self.sent: list[PublicCommand] = []
        self.calls: list[PspCall] = []
        self.now_s = 0.0
        self.ids = count()
        self.draw: st.DataObject | None = None

    @initialize(data=st.data(), manual=st.booleans())
    def a_payment_is_asked_for(self, data: st.DataObject, manual: bool) -> None:
        self.draw = data
        self.provider = HonestProvider(self._choose)
        self._public(samples.create_manual() if manual else samples.create())

    @rule(amount=st.sampled_from((None, 1, 300, 1000, 1001)), final=st.booleans())
    def capture(self, amount: int | None, final: bool) -> None:
        self._public(samples.capture(amount, final, id=self._fresh()))

    @rule()
    def cancel(self) -> None:
        self._public(samples.cancel(id=self._fresh()))

    @rule(
        amount=st.sampled_from((None, 1, 300, 700, 1000)),
        expected=st.sampled_from((None, None, None, 1000, 700)),
        n=st.integers(1, 4),
    )
    def refund(self, amount: int | None, expected: int | None, n: int) -> None:
        self._public(samples.refund(amount, n, expected, id=self._fresh()))

    @rule(
        command=st.sampled_from(
            (samples.create("other"), samples.invalid(), samples.capture(by=samples.STRANGER))
        )
    )
    def something_hopeless_is_sent(self, command: PublicCommand) -> None:
        self._public(command)

    @rule(data=st.data())
    def a_command_is_sent_again(self, data: st.DataObject) -> None:
        again = data.draw(st.sampled_from(self.sent))
        assert self.history.say(again) == []

    @rule(data=st.data())
    def an_id_is_used_for_something_else(self, data: st.DataObject) -> None:
        used = data.draw(st.sampled_from(self.sent)).origin
        self.history.say(CreatePayment(used, samples.terms(amount_minor=77)))
        assert self.provider.charges <= 1

    @rule(data=st.data(), answered=st.booleans())
    def a_call_is_sent_and_perhaps_answered(self, data: st.DataObject, answered: bool) -> None:
        """Any call, also one sent before: a zombie gateway, or a second delivery of its event."""
        call = data.draw(st.sampled_from(self.calls))
        came_to = self.provider.send(call)
        self._say(samples.outcome(call.key, came_to) if answered else samples.unknown(call.key))

    @rule(data=st.data())
    def a_call_is_put_off(self, data: st.DataObject) -> None:
        self._say(samples.deferred(data.draw(st.sampled_from(self.calls)).key))

    @precondition(lambda self: self.provider.intent is not None)
    @rule()
    def something_happens_at_the_provider(self) -> None:
        self.provider.go_on()

    @precondition(lambda self: self.provider.notices)
    @rule(data=st.data())
    def a_notice_comes(self, data: st.DataObject) -> None:
        self._say(samples.notice(data.draw(st.sampled_from(self.provider.notices))))

    @rule(seconds=st.sampled_from((1, 5, 700)))
    def time_passes(self, seconds: float) -> None:
        self.now_s += seconds
        self._say(samples.check(self.now_s))

    def teardown(self) -> None:
        """The faults are over: every call is answered, every notice comes. Nothing is open, and both sides agree."""
        if not self.calls:
            return
        while self.history.transaction and self.history.transaction.calls:
            for key, call in self.history.transaction.calls.items():
                self._say(samples.outcome(key, self.provider.send(call.call)))
                break
        for seen in self._choose_order():
            self._say(samples.notice(seen))
        self.history.check_whole()
        assert self.history.open_commands == set()
        assert self.history.transaction
        self._agrees(self.history.transaction)

    def _agrees(self, ours: Transaction) -> None:
        theirs, payment = self.provider.intent, ours.payment
        assert payment
        for id, refund in ours.refunds.items():
            there = self.provider.refunds.get(id)
            assert refund.status is (there.status if there else RefundStatus.FAILED)
        assert set(self.provider.refunds) <= set(ours.refunds)
        if theirs is None:
            assert payment.status is PaymentStatus.DECLINED
            return
        assert payment.amount_captured_minor == theirs.amount_captured_minor
        assert payment.intent == theirs.intent
        tried_to_cancel = any(call.operation is Operation.CANCEL for call in self.calls)
        if theirs.status is IntentStatus.PROCESSING and tried_to_cancel:
            # heard while the cancellation was open, when it may have been old; its end will come as a notice
            assert payment.status in (PaymentStatus.PROCESSING, PaymentStatus.REQUIRES_ACTION)
        elif theirs.status is IntentStatus.CANCELED:  # also what we had canceled because it was declined
            assert payment.status in (PaymentStatus.CANCELED, PaymentStatus.DECLINED)
        elif theirs.status is IntentStatus.FAILED:  # a person's, if it could not be canceled
            assert payment.status in (PaymentStatus.DECLINED, PaymentStatus.MANUAL_REVIEW)
        else:
            assert payment.status is SHOWN[theirs.status]

    def _public(self, command: PublicCommand) -> None:
        self.sent.append(command)
        self._say(command)

    def _say(self, command: Command) -> None:
        asked = [react(event) for event in self.history.say(command)]
        self.calls.extend(call for call in asked if call is not None)

    def _choose(self, possible: Sequence[str]) -> str:
        assert self.draw
        return self.draw.draw(st.sampled_from(list(possible)))

    def _choose_order(self) -> list[Snapshot]:
        assert self.draw
        return list(self.draw.draw(st.permutations(self.provider.notices)))

    def _fresh(self) -> str:
        return f"command-{next(self.ids)}"


TestOnePayment = OnePayment.TestCase
TestOnePayment.settings = examples(250, steps=40)
