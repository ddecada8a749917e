"""Stories: a cardholder goes to the bank, and the provider tells how that goes on and whose the money is."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from models.codes import Code
from models.commands import Command
from models.dispute import CLOSED
from models.errors import InvariantBroken
from models.events import DisputeClosed, DisputeOpened, DisputeUpdated, RefundRequested
from models.provider import DisputeSnapshot, DisputeStatus, IntentSnapshot
from tests.fuzzing import examples
from tests.models.samples import (
    AUTHORIZED,
    CANCELED_AFTER_300,
    CAPTURED,
    CREATE_CALL,
    FAILED,
    PROCESSING,
    START,
    answer,
    create,
    disputed,
    notice,
    refund,
    unknown,
)
from tests.models.story import Story, given

_D = DisputeStatus
INQUIRY, CHARGED_BACK, REVIEWED = _D.WARNING_NEEDS_RESPONSE, _D.NEEDS_RESPONSE, _D.UNDER_REVIEW
REFUNDABLE_AGAIN = replace(disputed(_D.WON, reinstated=True), refundable=True)
RULE = "payment_is_not_charged_back"


def captured(*more: Command) -> Story:
    return given(create(), answer(CREATE_CALL, CAPTURED), *more)


def test_a_dispute_is_opened_with_all_that_is_known_of_it_and_its_money_is_held() -> None:
    seen = disputed(CHARGED_BACK)
    story = captured().when(notice(seen))
    told = DisputeOpened(
        "du_1", CHARGED_BACK, 1000, "usd", "fraudulent", seen.respond_by, withdrawn=True, reinstated=False,
        refundable=False,
    )  # fmt: skip
    story.then(told).opening().settling()
    dispute = story.transaction.disputes["du_1"]
    assert (dispute.reason, dispute.respond_by, dispute.created_at) == ("fraudulent", seen.respond_by, START)
    assert story.transaction.amount_disputed_minor == 1000


def test_funds_that_are_withdrawn_later_are_an_update() -> None:
    story = captured(notice(disputed(CHARGED_BACK, withdrawn=False)))
    assert story.transaction.amount_disputed_minor == 0
    story.when(notice(disputed(CHARGED_BACK))).then(DisputeUpdated)
    assert story.transaction.amount_disputed_minor == 1000
    story.when(notice(disputed(REVIEWED))).then(DisputeUpdated)
    assert story.transaction.disputes["du_1"].status is REVIEWED


def test_a_dispute_that_is_lost_keeps_the_money() -> None:
    story = captured(notice(disputed(CHARGED_BACK))).when(notice(disputed(_D.LOST)))
    story.then(DisputeClosed("du_1", _D.LOST, 1000, withdrawn=True, reinstated=False, refundable=False))
    assert story.transaction.amount_disputed_minor == 1000
    assert story.transaction.disputes["du_1"].respond_by is None


def test_a_dispute_that_is_won_gives_the_money_back_later_which_is_an_update() -> None:
    story = captured(notice(disputed(CHARGED_BACK))).when(notice(disputed(_D.WON))).then(DisputeClosed)
    assert story.transaction.amount_disputed_minor == 1000
    story.when(notice(disputed(_D.WON, reinstated=True))).then(DisputeUpdated)
    assert story.transaction.amount_disputed_minor == 0
    assert story.transaction.disputes["du_1"].status is _D.WON


def test_an_inquiry_takes_no_money_and_may_just_be_closed() -> None:
    story = captured().when(notice(disputed(INQUIRY))).then(DisputeOpened)
    story.when(notice(disputed(_D.WARNING_UNDER_REVIEW))).then(DisputeUpdated)
    story.when(notice(disputed(_D.WARNING_CLOSED))).then(DisputeClosed)
    assert story.transaction.amount_disputed_minor == 0


def test_an_inquiry_may_become_a_chargeback_and_takes_the_money_then() -> None:
    story = captured(notice(disputed(INQUIRY))).when(notice(disputed(CHARGED_BACK))).then(DisputeUpdated)
    assert story.transaction.amount_disputed_minor == 1000
    story.when(notice(disputed(INQUIRY)), notice(disputed(_D.WARNING_CLOSED))).then_nothing()


@pytest.mark.parametrize("status", sorted(CLOSED))
def test_a_dispute_heard_of_when_it_is_over_is_opened_and_closed(status: DisputeStatus) -> None:
    story = captured().when(notice(disputed(status))).then(DisputeOpened, DisputeClosed)
    story.when(notice(disputed(status))).then_nothing()
    assert story.transaction.disputes["du_1"].respond_by is None


def test_two_disputes_of_one_payment_hold_what_they_hold_together() -> None:
    first = replace(disputed(CHARGED_BACK), amount_minor=400)
    second = replace(disputed(CHARGED_BACK, id="du_2"), amount_minor=600)
    story = captured(notice(first), notice(second))
    assert story.transaction.amount_disputed_minor == 1000
    story.when(notice(replace(first, status=_D.WON, reinstated=True))).then(DisputeClosed)
    assert story.transaction.amount_disputed_minor == 600


def test_an_older_notice_never_leads_back_but_its_money_counts() -> None:
    story = captured(notice(disputed(REVIEWED, withdrawn=False)))
    story.when(notice(disputed(CHARGED_BACK, withdrawn=False))).then_nothing()
    story.when(notice(replace(disputed(CHARGED_BACK), respond_by=None))).then(DisputeUpdated)
    dispute = story.transaction.disputes["du_1"]
    assert (dispute.status, dispute.respond_by) == (REVIEWED, disputed(REVIEWED).respond_by)
    assert story.transaction.amount_disputed_minor == 1000
    story.when(notice(disputed(_D.WON, reinstated=True)), notice(disputed(_D.WON)))
    story.then(DisputeClosed)
    assert story.transaction.amount_disputed_minor == 0


TRUTHS: tuple[tuple[DisputeSnapshot, ...], ...] = (
    (disputed(INQUIRY), disputed(_D.WARNING_UNDER_REVIEW), disputed(_D.WARNING_CLOSED)),
    (disputed(INQUIRY), disputed(_D.PREVENTED, withdrawn=False)),
    (disputed(INQUIRY), disputed(CHARGED_BACK, withdrawn=False), disputed(CHARGED_BACK), disputed(_D.LOST)),
    (disputed(CHARGED_BACK, withdrawn=False), disputed(CHARGED_BACK), disputed(REVIEWED), disputed(_D.LOST)),
    (disputed(CHARGED_BACK), disputed(REVIEWED), disputed(_D.WON), disputed(_D.WON, reinstated=True)),
)
"""How a dispute goes at the provider, step by step; each step sends a notice."""


@pytest.mark.parametrize("truth", TRUTHS)
def test_every_order_of_each_notice_once_ends_in_the_same_state(truth: tuple[DisputeSnapshot, ...]) -> None:
    for heard in permutations(truth):
        assert essence(heard) == essence(truth), heard


@for_all(truth=st.sampled_from(TRUTHS), data=st.data())
@examples(300)
def test_the_same_notices_in_any_order_and_number_end_in_the_same_state(
    truth: tuple[DisputeSnapshot, ...], data: st.DataObject
) -> None:
    heard = data.draw(st.permutations([*truth, *data.draw(st.lists(st.sampled_from(truth), max_size=6))]))
    assert essence(heard) == essence(truth)


def essence(heard: Sequence[DisputeSnapshot]) -> dict[str, object]:
    """All that a reader can see of the end, but for the number of the steps."""
    story = captured(*(notice(seen) for seen in heard))
    story.history.check_whole()
    return {
        "disputes": story.transaction.disputes,
        "held": story.transaction.amount_disputed_minor,
        "payment": story.payment,
    }


@pytest.mark.parametrize("status", [CHARGED_BACK, REVIEWED, _D.LOST, _D.WON, _D.PREVENTED])
def test_what_is_charged_back_cannot_be_refunded_as_well(status: DisputeStatus) -> None:
    story = captured(notice(disputed(status))).when(refund(1))
    story.then_refused(Code.PAYMENT_DISPUTED, "refund-1", RULE)
    assert story.remembered("refund-1").rule == RULE


@pytest.mark.parametrize(
    "seen", [disputed(INQUIRY), disputed(_D.WARNING_UNDER_REVIEW), disputed(_D.WARNING_CLOSED), REFUNDABLE_AGAIN]
)  # fmt: skip
def test_what_the_provider_calls_refundable_can_be_refunded(seen: DisputeSnapshot) -> None:
    captured(notice(disputed(INQUIRY)), notice(seen)).when(refund()).then(RefundRequested).opening("refund-1")


def test_an_older_notice_of_what_was_won_does_not_take_back_that_it_is_refundable() -> None:
    story = captured(notice(disputed(CHARGED_BACK)), notice(REFUNDABLE_AGAIN))
    story.when(notice(disputed(_D.WON))).then_nothing()
    story.when(refund()).then(RefundRequested)


def test_one_chargeback_beside_an_inquiry_is_enough_to_refuse_a_refund() -> None:
    story = captured(notice(disputed(INQUIRY)), notice(disputed(CHARGED_BACK, id="du_2")))
    story.when(refund(1)).then_refused(Code.PAYMENT_DISPUTED, "refund-1", RULE)


@pytest.mark.parametrize("shown", [PROCESSING, AUTHORIZED, CAPTURED, CANCELED_AFTER_300, FAILED])
@pytest.mark.parametrize("status", sorted(DisputeStatus))
def test_a_dispute_changes_nothing_of_its_payment(shown: IntentSnapshot, status: DisputeStatus) -> None:
    story = given(create(), answer(CREATE_CALL, shown))
    payment, calls = story.payment, story.transaction.calls
    for seen in (disputed(status, withdrawn=False), disputed(status), disputed(status, reinstated=True)):
        story.when(notice(seen)).settling()
        assert (story.payment, story.transaction.calls) == (payment, calls)
    assert list(story.transaction.disputes) == ["du_1"]


def test_a_dispute_of_another_payment_or_of_none_is_a_lie() -> None:
    for story in (given(), captured(), captured(notice(disputed(CHARGED_BACK)))):
        with pytest.raises(InvariantBroken):
            story.when(notice(replace(disputed(CHARGED_BACK), intent="pi_2")))
    given(create(), unknown(CREATE_CALL)).when(notice(disputed(INQUIRY))).then(DisputeOpened)
