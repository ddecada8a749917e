"""Laws that hold however commands, answers, doubts, checks, notices, policies and people's words fall between each other."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from models.commands import CreatePayment, PublicCommand
from models.payment import PaymentStatus
from models.policy import AmountLimits, Policy, Velocity
from models.provider import Deferred, PspCall, Snapshot, Unknown
from models.transaction import react
from tests.fuzzing import examples
from tests.models import samples
from tests.models.agreement import check_agreement, essence
from tests.models.world import World

POLICIES = (
    Policy(),
    Policy(velocity=Velocity(payments_max=1)),
    Policy(velocity=Velocity(payments_max=1), abandon_after_s=600),
    Policy(refund_window_days=1, payment_method_types=("card",)),
    Policy(currencies=("eur",), amounts={"usd": AmountLimits(500, 1000)}),
    Policy(amounts={"usd": AmountLimits(maximum_minor=999)}, refund_window_days=0),
)
TIMES = tuple(map(timedelta, (0, 0, 0, 0, 1, 6), (1, 5, 700, 43_200, 0, 1)))

HOPELESS: tuple[PublicCommand, ...] = (
    samples.invalid(),
    samples.capture(by=samples.STRANGER),
    samples.create("old", age_s=21 * 3600),
    samples.create("second"),
    samples.capture(),
    samples.cancel(),
    samples.refund(1),
)


class OnePayment(RuleBasedStateMachine):
    """One payment between impatient merchants, a lossy network and an honest provider. Laws are checked at every step."""

    def __init__(self) -> None:
        super().__init__()
        self.ids = count()
        self.draw: st.DataObject | None = None

    @initialize(
        data=st.data(),
        manual=st.booleans(),
        customer=st.sampled_from((None, "cus_1")),
        policy=st.sampled_from(POLICIES),
    )
    def a_payment_is_asked_for(
        self, data: st.DataObject, manual: bool, customer: str | None, policy: Policy
    ) -> None:
        self.draw = data
        self.world = World(self._choose, policy)
        self.world.say(samples.create_manual() if manual else samples.create(customer=customer))

    @precondition(lambda self: self.stands(PaymentStatus.AUTHORIZED))
    @rule(amount=st.sampled_from((None, 1, 300, 300, 1000, 1001)), final=st.booleans())
    def capture(self, amount: int | None, final: bool) -> None:
        self.world.say(samples.capture(amount, final, id=self._fresh()))

    @precondition(lambda self: self.stands(*PaymentStatus) and not self.stands(PaymentStatus.CAPTURED))
    @rule()
    def cancel(self) -> None:
        self.world.say(samples.cancel(id=self._fresh()))

    @precondition(lambda self: self.stands(PaymentStatus.CAPTURED, PaymentStatus.AUTHORIZED))
    @rule(
        amount=st.sampled_from((None, 1, 300, 700, 1000)),
        expected=st.sampled_from((None, None, None, 1000, 700)),
        n=st.integers(1, 6),
    )
    def refund(self, amount: int | None, expected: int | None, n: int) -> None:
        self.world.say(samples.refund(amount, n, expected, id=self._fresh()))

    @precondition(lambda self: not self.stands(*PaymentStatus))
    @rule(manual=st.booleans())
    def what_was_not_permitted_is_asked_for_again(self, manual: bool) -> None:
        self.world.say(samples.create_manual(self._fresh()) if manual else samples.create(self._fresh()))

    @rule(hopeless=st.sampled_from(HOPELESS))
    def something_hopeless_is_sent(self, hopeless: PublicCommand) -> None:
        origin = replace(hopeless.origin, command_id=self._fresh())
        self.world.say(replace(hopeless, origin=origin))

    @rule(data=st.data())
    def a_command_is_sent_again(self, data: st.DataObject) -> None:
        again = data.draw(st.sampled_from(self.world.sent))
        assert self.world.history.say(again) == []

    @rule(data=st.data())
    def an_id_is_used_for_something_else(self, data: st.DataObject) -> None:
        used = data.draw(st.sampled_from(self.world.sent)).origin
        self.world.history.say(CreatePayment(used, samples.terms(amount_minor=77)))

    @rule(policy=st.sampled_from(POLICIES))
    def another_policy_is_said(self, policy: Policy) -> None:
        self.world.history.policy = policy

    @precondition(lambda self: self.world.history.transaction and self.world.known.calls)
    @rule(data=st.data(), answered=st.booleans())
    def what_is_open_is_sent_and_perhaps_answered(self, data: st.DataObject, answered: bool) -> None:
        key = data.draw(st.sampled_from(sorted(self.world.known.calls)))
        self._is_sent(self.world.known.calls[key].call, answered)

    @precondition(lambda self: self.world.calls)
    @rule(data=st.data(), answered=st.booleans())
    def a_call_is_sent_again(self, data: st.DataObject, answered: bool) -> None:
        """Any that ever was: by a zombie gateway, or at a second delivery of its event."""
        self._is_sent(data.draw(st.sampled_from(self.world.calls)), answered)

    @precondition(lambda self: self.world.calls)
    @rule(data=st.data())
    def a_call_is_put_off(self, data: st.DataObject) -> None:
        call = data.draw(st.sampled_from(self.world.calls))
        self.world.say(samples.outcome(call.key, Deferred("the account is paused")))

    @precondition(lambda self: self.world.provider.intent is not None)
    @rule()
    def something_happens_at_the_provider(self) -> None:
        self.world.provider.go_on()

    @precondition(lambda self: self.world.provider.intent is not None)
    @rule()
    def somebody_works_by_hand_at_the_provider(self) -> None:
        self.world.provider.somebody_works_by_hand()

    @precondition(lambda self: self.world.provider.intent is not None)
    @rule()
    def what_the_provider_shows_cannot_be(self) -> None:
        """In a notice, and again to who looks because of it."""
        assert self.world.provider.intent
        odd = replace(self.world.provider.intent, amount_minor=1500)
        for event in self.world.say(samples.notice(odd)):
            if call := react(event):
                self.world.say(samples.answer(call.key, odd))

    @precondition(lambda self: self.stands(PaymentStatus.CAPTURED))
    @rule()
    def the_cardholders_bank_goes_on(self) -> None:
        self.world.provider.the_bank_goes_on()

    @precondition(lambda self: self.world.provider.notices)
    @rule(data=st.data())
    def a_notice_comes(self, data: st.DataObject) -> None:
        self.world.say_twice(samples.notice(data.draw(st.sampled_from(self.world.provider.notices))))

    @rule(time=st.sampled_from(TIMES))
    def time_passes(self, time: timedelta) -> None:
        self.world.time_passes(time)

    @rule()
    def an_operator_looks(self) -> None:
        self.world.operator_looks()

    def teardown(self) -> None:
        """The faults are over: every call is answered, every notice comes, somebody looks at what is left in doubt."""
        if self.draw is None or self.world.history.transaction is None:
            return
        world = self.world
        if world.known.payment is not None:
            world.answer_all()
            world.hear(self._some_order())
            world.time_passes(timedelta(days=2))  # nothing sent before can come any more
            world.answer_all()
            world.operator_looks()
            self._hears_all_in_any_order()
            check_agreement(world)
        world.history.check_whole()

    def _hears_all_in_any_order(self) -> None:
        """Any order and repetition of the same webhooks ends in the same state."""
        before, ends = self.world.history, []
        for _ in range(2):
            self.world.history = before.aside()
            self.world.hear(self._some_order())
            ends.append(essence(self.world.known))
        assert ends[0] == ends[1], "the order of the webhooks shows"

    def stands(self, *statuses: PaymentStatus) -> bool:
        transaction = self.world.history.transaction
        return bool(transaction and transaction.payment and transaction.payment.status in statuses)

    def _is_sent(self, call: PspCall, answered: bool) -> None:
        came_to = self.world.send(call)
        if not answered or isinstance(came_to, Unknown):  # each is one more try, so not the same again
            self.world.say(samples.unknown(call.key))
        else:
            self.world.say_twice(samples.outcome(call.key, came_to))

    def _choose(self, possible: Sequence[str]) -> str:
        assert self.draw
        return self.draw.draw(st.sampled_from(list(possible)))

    def _some_order(self) -> list[Snapshot]:
        """All of them, some twice."""
        assert self.draw
        notices = self.world.provider.notices
        again = self.draw.draw(st.lists(st.sampled_from(notices), max_size=3)) if notices else []
        return list(self.draw.draw(st.permutations([*notices, *again])))

    def _fresh(self) -> str:
        return f"command-{next(self.ids)}"


class PaidPayment(OnePayment):
    """The same, from where its money is held or taken: refunds and disputes have the whole story to themselves."""

    @initialize(data=st.data(), manual=st.booleans(), window_days=st.sampled_from((None, None, 0, 1)))
    def a_payment_is_asked_for(self, data: st.DataObject, manual: bool, window_days: int | None) -> None:
        self.draw = data
        self.world = World(self._choose, Policy(refund_window_days=window_days))
        self.world.say(samples.create_manual() if manual else samples.create())
        with self.world.all_goes_well():
            self.world.answer_all()


TestOnePayment = OnePayment.TestCase
TestOnePayment.settings = examples(250)
TestPaidPayment = PaidPayment.TestCase
TestPaidPayment.settings = examples(250)
