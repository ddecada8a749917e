"""Rules and safeguards taken away one by one: the interleavings find each. A law that no bug breaks would prove nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, run_state_machine_as_test

from models import (
    asking,
    deciding,
    dispute,
    dispute_evidence,
    evidence,
    recheck,
    refund,
    rules,
    settling,
    transaction,
    waiting,
)
from models.asking import Said
from models.errors import InvariantBroken
from models.events import PaymentDeclined, RefundFailed
from models.policy import Policy, Velocity
from models.provider import DisputeStatus, RefundIntent, RefundStatus
from models.refund import RefundMove
from tests.fuzzing import examples
from tests.models import samples
from tests.models.test_interleavings import OnePayment, PaidPayment
from tests.models.world import World

Patch = pytest.MonkeyPatch
Machine = type[OnePayment]
Bug = Callable[[Patch], None]

EXAMPLES_MAX = 2000
"""Most are found within fifty. Which example does it is chance, that every change of the machine rolls anew."""


class ScreenedPayment(OnePayment):
    """Of a customer who may not pay without end."""

    @initialize(data=st.data())
    def a_payment_is_asked_for(self, data: st.DataObject) -> None:
        self.draw = data
        self.world = World(self._choose, Policy(velocity=Velocity(payments_max=1)))
        self.world.say(samples.create(customer="cus_1"))


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
        ("payment_is_not_charged_back", PaidPayment),
        ("refund_is_within_the_window", PaidPayment),
        ("refundable_is_as_expected", PaidPayment),
        ("refund_is_within_refundable", PaidPayment),
        ("refund_is_new", PaidPayment),
    ],
)
def test_a_rule_that_is_switched_off_is_missed(monkeypatch: Patch, rule: str, machine: Machine) -> None:
    for name in ("CREATE", "CAPTURE", "CANCEL", "REFUND"):
        kept = tuple(each for each in getattr(rules, name) if each.__name__ != rule)
        monkeypatch.setattr(rules, name, kept)
    finds(machine)


def forgets_commands(patch: Patch) -> None:
    patch.setattr(deciding, "remembered", lambda *_: None)


def uses_one_key_for_all(patch: Patch) -> None:
    usual = asking.asked

    def asked(known: transaction.Transaction, *rest: Any) -> Any:
        return usual(replace(known, attempts={}), *rest)

    for module in (settling, deciding, waiting):
        patch.setattr(module, "asked", asked)


def outlives_its_keys(patch: Patch) -> None:
    """The domain and the gateway look at one number: here, that the provider forgets."""
    patch.setattr(recheck, "KEY_AGE_MAX_S", timedelta(days=9).total_seconds())


def takes_an_unknown_refund_for_failed(patch: Patch) -> None:
    usual = waiting.in_doubt

    def in_doubt(known: Any, call: Any, reason: str, origin: Any) -> Said:
        ask = call.call.ask
        if isinstance(ask, RefundIntent):
            return Said(RefundFailed(ask.refund_id, None, reason), settles=call.command)
        return usual(known, call, reason, origin)

    patch.setattr(settling, "in_doubt", in_doubt)


def takes_an_unknown_payment_for_declined(patch: Patch) -> None:
    patch.setattr(settling, "in_doubt", lambda known, call, reason, origin: Said(
        PaymentDeclined(evidence._UNEXPLAINED, None), settles=call.command
    ))  # fmt: skip


def leaves_the_declined_open(patch: Patch) -> None:
    patch.setattr(settling, "_with_consequences", lambda known, data, *_: data)


def sends_whom_it_turned_away(patch: Patch) -> None:
    usual = settling._screened

    def screened(known: Any, call: Any, admitted: bool, *rest: Any) -> Any:
        yield from usual(known, call, True, *rest)
        if not admitted:
            yield from usual(known, call, False, *rest)

    patch.setattr(settling, "_screened", screened)


def hears_the_old_as_news(patch: Patch) -> None:
    patch.setattr(evidence, "_is_news", lambda *_: True)


def goes_back_in_a_dispute(patch: Patch) -> None:
    every = {(was, now): now for was in (None, *DisputeStatus) for now in DisputeStatus}
    patch.setattr(dispute_evidence, "TRANSITIONS", every)
    patch.setattr(dispute, "TRANSITIONS", every)


def keeps_what_failed_late(patch: Patch) -> None:
    patch.delitem(refund.TRANSITIONS, (RefundStatus.SUCCEEDED, RefundMove.FAILED))


def promises_reserved_money(patch: Patch) -> None:
    patch.setattr(transaction.Transaction, "amount_refund_pending_minor", 0)


def lets_commands_wait_for_ever(patch: Patch) -> None:
    usual = settling._taken_in

    def taken_in(*arguments: Any) -> Any:
        return (replace(said, settles=None) for said in usual(*arguments))

    patch.setattr(settling, "_taken_in", taken_in)


def tells_nobody_of_the_end(patch: Patch) -> None:
    patch.setattr(transaction.Transaction, "expiry_told_at", None)


def believes_its_own_steps(patch: Patch) -> None:
    """What a notice skips is not looked after."""
    patch.setattr(evidence, "doubt", lambda *_: None)


@pytest.mark.parametrize(
    ("plant", "machine"),
    [
        (forgets_commands, OnePayment),
        (uses_one_key_for_all, PaidPayment),
        (outlives_its_keys, OnePayment),
        (takes_an_unknown_refund_for_failed, PaidPayment),
        (takes_an_unknown_payment_for_declined, OnePayment),
        (leaves_the_declined_open, OnePayment),
        (sends_whom_it_turned_away, ScreenedPayment),
        (hears_the_old_as_news, OnePayment),
        (goes_back_in_a_dispute, PaidPayment),
        (keeps_what_failed_late, PaidPayment),
        (promises_reserved_money, PaidPayment),
        (lets_commands_wait_for_ever, OnePayment),
        (tells_nobody_of_the_end, PaidPayment),
        (believes_its_own_steps, PaidPayment),
    ],
)
def test_a_safeguard_that_is_taken_away_is_missed(monkeypatch: Patch, plant: Bug, machine: Machine) -> None:
    plant(monkeypatch)
    finds(machine)
