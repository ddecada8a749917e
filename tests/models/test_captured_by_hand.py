"""Stories: while a capture is under way, somebody captures beside us, on the provider's own pages."""

import pytest

from models.codes import Code
from models.commands import Command
from models.events import (
    CallRepeated,
    CommandRefused,
    PaymentCaptured,
    PaymentOutcomeUnknown,
    PaymentReviewRequired,
)
from models.payment import PaymentStatus
from models.provider import CaptureIntent, IntentSnapshot, IntentStatus
from models.recheck import KEY_AGE_MAX_S, RECHECK_FIRST_S
from tests.models.samples import (
    CAPTURE_CALL,
    HELD,
    answer,
    capture,
    check,
    deferred,
    intent,
    notice,
    rejected,
    unknown,
)
from tests.models.story import Story, given


def held(captured: int) -> IntentSnapshot:
    return intent(IntentStatus.AUTHORIZED, captured, capturable=1000 - captured)


def beside(*since: Command) -> Story:
    """300 were asked for, and of somebody's 100 a notice came."""
    return given(*HELD, capture(300, final=False), *since).when(notice(held(100)))


@pytest.mark.parametrize("since", [[], [deferred(CAPTURE_CALL)], [unknown(CAPTURE_CALL)]])
def test_anothers_capture_is_taken_in_and_ours_goes_on_as_it_was_asked_for(since: list[Command]) -> None:
    story = beside(*since).then(PaymentCaptured).settling()
    assert story.payment.amount_captured_minor == 100
    assert list(story.transaction.calls) == [CAPTURE_CALL]
    if since:
        story.when(check(RECHECK_FIRST_S)).then(CallRepeated)
    assert story.history.asked[CAPTURE_CALL].ask == CaptureIntent("pi_1", 300, False)
    story.when(answer(CAPTURE_CALL, held(400))).then(PaymentCaptured).settling("capture")
    assert story.payment.amount_captured_minor == 400


def test_what_is_captured_beside_it_again_is_not_taken_for_it_either() -> None:
    story = beside().when(notice(held(350))).then(PaymentCaptured).settling()
    story.when(notice(held(650))).then(PaymentCaptured).settling("capture")


def test_a_capture_that_nothing_is_left_for_is_refused_and_the_others_amount_stays() -> None:
    story = beside(unknown(CAPTURE_CALL)).when(rejected(CAPTURE_CALL))
    story.then_refused(Code.PROVIDER_REFUSED, "capture")
    looked = beside(unknown(CAPTURE_CALL)).when(answer(CAPTURE_CALL, held(100)))
    looked.then_refused(Code.PAYMENT_STATE_CONFLICT, "capture")
    for each in (story, looked):
        assert each.payment.status is PaymentStatus.AUTHORIZED
        assert each.payment.amount_capturable_minor == 900


def test_a_refusal_that_first_tells_of_anothers_capture_is_no_success() -> None:
    story = given(*HELD, capture(950, final=False)).when(answer(CAPTURE_CALL, held(100)))
    story.then(PaymentCaptured, CommandRefused).settling("capture")


def test_a_capture_of_which_nothing_is_known_is_in_doubt_as_ever_and_a_persons_in_the_end() -> None:
    story = beside().when(unknown(CAPTURE_CALL)).then(PaymentOutcomeUnknown)
    story.when(unknown(CAPTURE_CALL, KEY_AGE_MAX_S + 1)).then(PaymentReviewRequired).settling("capture")
    assert story.payment.amount_captured_minor == 100


def test_a_capture_that_anothers_final_one_leaves_no_room_for_is_refused() -> None:
    story = given(*HELD, capture(300)).when(notice(intent(IntentStatus.CAPTURED, captured=100)))
    story.then(PaymentCaptured, CommandRefused).settling("capture")
    assert story.payment.status is PaymentStatus.CAPTURED
