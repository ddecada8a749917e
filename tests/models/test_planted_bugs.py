"""Rules and safeguards taken away one by one: the interleavings find each. A law that no bug breaks would prove nothing."""

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, run_state_machine_as_test

from models import rules
from models.errors import InvariantBroken
from models.policy import Policy, Velocity
from tests.fuzzing import examples
from tests.models import planted, samples
from tests.models.planted import Bug, Patch
from tests.models.test_interleavings import OnePayment, PaidPayment
from tests.models.world import World

Machine = type[OnePayment]

EXAMPLES_MAX = 2000
"""Most are found within fifty. Which example does it is chance, that every change of the machine rolls anew."""


class ScreenedPayment(OnePayment):
    """Of a customer who may not pay without end."""

    @initialize(data=st.data())
    def a_payment_is_asked_for(self, data: st.DataObject) -> None:
        self.draw = data
        self.world = World(self._choose, Policy(velocity=Velocity(payments_max=1)))
        self.world.say(samples.create(customer="cus_1"))


class HeldPayment(OnePayment):
    """Its money is held, and waits for captures."""

    first = staticmethod(samples.create_manual)

    @initialize(data=st.data())
    def a_payment_is_asked_for(self, data: st.DataObject) -> None:
        self.draw = data
        self.world = World(self._choose, Policy())
        self.world.say(self.first())
        with self.world.all_goes_well():
            self.world.answer_all()


class RefundedPayment(HeldPayment):
    """A part of it is to be given back."""

    first = staticmethod(samples.create)

    @initialize(data=st.data())
    def a_payment_is_asked_for(self, data: st.DataObject) -> None:
        super().a_payment_is_asked_for(data)
        self.world.say(samples.refund(300, id=self._fresh()))


class DisputedPayment(HeldPayment):
    """The cardholder's bank takes it back."""

    first = staticmethod(samples.create)

    @initialize(data=st.data())
    def a_payment_is_asked_for(self, data: st.DataObject) -> None:
        super().a_payment_is_asked_for(data)
        self.world.provider.the_bank_goes_on()
        self.world.hear(self.world.provider.notices)


def finds(machine: Machine) -> None:
    hunt = settings(
        examples(EXAMPLES_MAX), phases=[Phase.generate], report_multiple_bugs=False, print_blob=False
    )
    with pytest.raises((AssertionError, InvariantBroken)):
        run_state_machine_as_test(machine, settings=hunt)


@pytest.mark.parametrize(
    ("rule", "machine"),
    [
        ("currency_is_the_merchants", OnePayment),
        ("amount_is_within_the_merchants_limits", OnePayment),
        ("no_payment_yet", OnePayment),
        ("nothing_else_is_under_way", PaidPayment),
        ("capture_is_within_authorized", PaidPayment),
        ("payment_is_not_charged_back", DisputedPayment),
        ("refund_is_within_the_window", PaidPayment),
        ("refundable_is_as_expected", RefundedPayment),
        ("refund_is_within_refundable", RefundedPayment),
        ("refund_is_new", PaidPayment),
    ],
)
def test_a_rule_that_is_switched_off_is_missed(monkeypatch: Patch, rule: str, machine: Machine) -> None:
    for name in ("CREATE", "CAPTURE", "CANCEL", "REFUND"):
        kept = tuple(each for each in getattr(rules, name) if each.__name__ != rule)
        monkeypatch.setattr(rules, name, kept)
    finds(machine)


@pytest.mark.parametrize(
    ("plant", "machine"),
    [
        (planted.forgets_commands, OnePayment),
        (planted.uses_one_key_for_all, PaidPayment),
        (planted.outlives_its_keys, OnePayment),
        (planted.takes_an_unknown_refund_for_failed, RefundedPayment),
        (planted.takes_an_unknown_payment_for_declined, OnePayment),
        (planted.leaves_the_declined_open, OnePayment),
        (planted.gives_up_what_it_looked_beside, HeldPayment),
        (planted.takes_anybodys_capture_for_ours, HeldPayment),
        (planted.sends_whom_it_turned_away, ScreenedPayment),
        (planted.hears_the_old_as_news, OnePayment),
        (planted.goes_back_in_a_dispute, DisputedPayment),
        (planted.keeps_what_failed_late, RefundedPayment),
        (planted.promises_reserved_money, RefundedPayment),
        (planted.lets_commands_wait_for_ever, OnePayment),
        (planted.tells_nobody_of_the_end, PaidPayment),
        (planted.waits_for_a_notice_for_ever, OnePayment),
        (planted.believes_its_own_steps, PaidPayment),
    ],
)
def test_a_safeguard_that_is_taken_away_is_missed(monkeypatch: Patch, plant: Bug, machine: Machine) -> None:
    plant(monkeypatch)
    finds(machine)
