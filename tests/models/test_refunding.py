"""Stories: captured money goes back, in whole or in part, and is reserved until it is known whether it did."""

from dataclasses import replace

import pytest

from models.codes import Code
from models.commands import Command
from models.errors import InvariantBroken
from models.events import (
    CallDeferred,
    CallRepeated,
    RefundCanceled,
    RefundFailed,
    RefundOutcomeUnknown,
    RefundPending,
    RefundRequested,
    RefundReviewRequired,
    RefundSucceeded,
)
from models.provider import RefundIntent, RefundStatus
from models.recheck import KEY_AGE_MAX_S, RECHECK_FIRST_S
from models.refund import RESERVING
from models.rules import REFUNDS_MAX
from tests.models.samples import (
    AUTHORIZED,
    CAPTURE_CALL,
    CAPTURED,
    CAPTURED_IN_PART,
    CREATE_CALL,
    FAILED,
    answer,
    capture,
    check,
    create,
    deferred,
    notice,
    refund,
    refund_call,
    refund_name,
    refunded,
    rejected,
    unknown,
)
from tests.models.story import Story, given

SUCCEEDED, PENDING = RefundStatus.SUCCEEDED, RefundStatus.PENDING


def captured(*more: Command) -> Story:
    return given(create(), answer(CREATE_CALL, CAPTURED), *more)


def amounts(story: Story) -> tuple[int, int, int]:
    """Refunded, reserved, refundable."""
    known = story.transaction
    return known.amount_refunded_minor, known.amount_refund_pending_minor, known.amount_refundable_minor


def test_a_refund_without_an_amount_gives_all_back() -> None:
    story = captured().when(refund()).then(RefundRequested).opening("refund-1")
    assert story.history.asked[refund_call()].ask == RefundIntent("pi_1", refund_name(), 1000, None)
    assert amounts(story) == (0, 1000, 0)
    story.when(answer(refund_call(), refunded(SUCCEEDED))).then(RefundSucceeded).settling("refund-1")
    assert amounts(story) == (1000, 0, 0)
    assert story.remembered("refund-1").refund_id == refund_name()


def test_refunds_in_part_reserve_what_they_may_take() -> None:
    story = (
        captured(refund(600)).when(refund(401, n=2)).then_refused(Code.REFUND_EXCEEDS_REFUNDABLE, "refund-2")
    )
    story.when(refund(400, n=3)).then(RefundRequested)
    assert amounts(story) == (0, 1000, 0)
    story.when(refund(n=4)).then_refused(Code.REFUND_EXCEEDS_REFUNDABLE)
    story.when(answer(refund_call(1), refunded(SUCCEEDED, 600))).settling("refund-1")
    story.when(answer(refund_call(3), refunded(SUCCEEDED, 400, 3))).settling("refund-3")
    assert amounts(story) == (1000, 0, 0)


def test_a_refund_above_the_captured_amount_is_refused() -> None:
    captured().when(refund(1001)).then_refused(Code.REFUND_EXCEEDS_REFUNDABLE)


def test_a_payment_of_which_nothing_was_captured_has_nothing_to_refund() -> None:
    given().when(refund()).then_refused(Code.NOT_FOUND)
    for seen in (AUTHORIZED, FAILED):
        given(create(), answer(CREATE_CALL, seen)).when(refund()).then_refused(Code.PAYMENT_STATE_CONFLICT)


def test_what_was_captured_in_part_can_be_refunded_while_the_rest_is_open() -> None:
    story = given(create(), answer(CREATE_CALL, AUTHORIZED), capture(300, final=False))
    story.when(refund(1)).then_refused(Code.PAYMENT_STATE_CONFLICT)
    story.when(answer(CAPTURE_CALL, CAPTURED_IN_PART), capture(id="rest"), refund(300, n=2)).opening(
        "rest", "refund-2"
    )


def test_a_refund_is_refused_when_what_is_left_is_not_what_its_sender_thinks() -> None:
    story = captured(refund(600))
    story.when(refund(100, n=2, expected=1000)).then_refused(Code.REFUNDABLE_MISMATCH, "refund-2")
    story.when(refund(100, n=3, expected=400)).then(RefundRequested)


def test_a_refund_the_provider_refuses_releases_what_it_had_reserved() -> None:
    story = captured(refund()).when(rejected(refund_call())).then(RefundFailed).settling("refund-1")
    assert amounts(story) == (0, 0, 1000)
    assert story.refund().failure_reason == "resource_missing"


def test_a_refund_that_fails_after_it_had_succeeded_makes_the_money_refundable_again() -> None:
    story = captured(refund(600), answer(refund_call(), refunded(SUCCEEDED, 600)))
    story.when(notice(refunded(RefundStatus.FAILED, 600))).then(RefundFailed).settling()
    assert amounts(story) == (0, 0, 1000)
    story.when(refund(1000, n=2)).then(RefundRequested)
    story.when(notice(refunded(SUCCEEDED, 600))).then_nothing()


def test_a_slow_refund_is_answered_as_pending_and_ended_by_a_notice() -> None:
    story = (
        captured(refund())
        .when(answer(refund_call(), refunded(PENDING)))
        .then(RefundPending)
        .settling("refund-1")
    )
    assert amounts(story) == (0, 1000, 0)
    story.when(notice(refunded(PENDING))).then_nothing()
    story.when(notice(refunded(RefundStatus.CANCELED))).then(RefundCanceled).settling()
    assert amounts(story) == (0, 0, 1000)


def test_a_refund_in_doubt_stays_reserved_until_it_is_known_under_the_same_key() -> None:
    story = captured(refund(600)).when(unknown(refund_call())).then(RefundOutcomeUnknown).settling()
    assert amounts(story) == (0, 600, 400)
    story.when(check(RECHECK_FIRST_S)).then(CallRepeated)
    story.when(answer(refund_call(), refunded(SUCCEEDED, 600))).then(RefundSucceeded).settling("refund-1")


def test_a_deferred_refund_is_made_later() -> None:
    story = captured(refund()).when(deferred(refund_call())).then(CallDeferred)
    assert story.refund().status is PENDING


def test_a_refund_nobody_knows_of_after_a_day_stays_reserved_for_a_person_to_look_at() -> None:
    lost = captured(refund(600), unknown(refund_call())).when(unknown(refund_call(), KEY_AGE_MAX_S + 1))
    lost.then(RefundReviewRequired).settling("refund-1")
    assert amounts(lost) == (0, 600, 400)
    lost.when(refund(600, n=2)).then_refused(Code.REFUND_EXCEEDS_REFUNDABLE)
    lost.when(refund(600, id="again")).then_refused(Code.REFUND_EXISTS)
    lost.when(notice(refunded(PENDING, 600))).then(RefundPending).settling()
    lost.when(notice(refunded(SUCCEEDED, 600))).then(RefundSucceeded).settling()


def test_one_refund_id_makes_one_refund() -> None:
    story = captured(refund(100)).when(refund(100, id="another")).then_refused(Code.REFUND_EXISTS, "another")
    assert len(story.history.refund_asks) == 1


def test_refunds_of_one_payment_are_limited() -> None:
    story = captured(*(refund(1, n=n) for n in range(REFUNDS_MAX)))
    story.when(refund(1, n=REFUNDS_MAX)).then_refused(Code.LIMIT_EXCEEDED)
    assert amounts(story) == (0, REFUNDS_MAX, 1000 - REFUNDS_MAX)


@pytest.mark.parametrize("status", sorted(RESERVING))
def test_every_status_in_which_a_refund_may_yet_take_its_money_reserves_it(status: RefundStatus) -> None:
    assert status not in (SUCCEEDED, RefundStatus.FAILED, RefundStatus.CANCELED)
    story = captured(refund(600))
    known = story.transaction
    held = replace(known, refunds={refund_name(): replace(story.refund(), status=status)})
    assert held.amount_refundable_minor == 400


@pytest.mark.parametrize(
    "lie",
    [
        refunded(SUCCEEDED, 599),
        refunded(SUCCEEDED, 600, n=9),
        replace(refunded(SUCCEEDED, 600), currency="eur"),
    ],
)
def test_a_refund_that_is_not_the_one_we_asked_for_is_a_lie(lie: object) -> None:
    with pytest.raises(InvariantBroken):
        captured(refund(600)).when(notice(lie))  # type: ignore[arg-type]


def test_two_refunds_at_the_provider_under_one_of_ours_are_noticed() -> None:
    story = captured(refund(600), answer(refund_call(), refunded(PENDING, 600)))
    with pytest.raises(InvariantBroken):
        story.when(notice(replace(refunded(SUCCEEDED, 600), provider_refund="re_a_second_one")))


def test_a_refund_that_was_refused_and_happened_all_the_same_is_noticed() -> None:
    story = captured(refund(600), rejected(refund_call()))
    with pytest.raises(InvariantBroken):
        story.when(notice(refunded(SUCCEEDED, 600)))
