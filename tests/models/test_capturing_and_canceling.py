"""Stories: an authorised payment is captured, in whole or in part, or let go; and what happens when the two race."""

import pytest

from models.codes import Code
from models.commands import Command
from models.errors import InvariantBroken
from models.events import (
    CallDeferred,
    CallEnded,
    CommandRefused,
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentCanceled,
    PaymentCancelRequested,
    PaymentCaptured,
    PaymentCaptureRequested,
    PaymentDeclined,
    PaymentOutcomeUnknown,
    PaymentProcessing,
    PaymentReadRequested,
    PaymentReviewRequired,
)
from models.payment import PaymentStatus
from models.provider import CancelIntent, CaptureIntent
from models.recheck import KEY_AGE_MAX_S
from models.rules import CAPTURES_MAX
from models.transaction import CANCELS_MAX
from tests.models.samples import (
    AUTHORIZED,
    CANCEL_CALL,
    CANCELED,
    CANCELED_AFTER_300,
    CAPTURE_CALL,
    CAPTURED,
    CAPTURED_300,
    CAPTURED_IN_PART,
    CREATE_CALL,
    FAILED,
    PAYMENT,
    PROCESSING,
    READ_CALL,
    REQUIRES_ACTION,
    answer,
    cancel,
    capture,
    check,
    create,
    create_manual,
    deferred,
    notice,
    refund,
    rejected,
    unknown,
)
from tests.models.story import Story, given

SECOND_CAPTURE, SECOND_CANCEL = f"{PAYMENT}:capture:2", f"{PAYMENT}:cancel:2"


def authorized(*more: Command) -> Story:
    return given(create_manual(), answer(CREATE_CALL, AUTHORIZED), *more)


def waiting_for_the_customer(*more: Command) -> Story:
    return given(create_manual(), answer(CREATE_CALL, REQUIRES_ACTION), *more)


def test_a_capture_without_an_amount_takes_all_that_is_left() -> None:
    story = authorized().when(capture()).then(PaymentCaptureRequested).opening("capture")
    assert story.history.asked[CAPTURE_CALL].ask == CaptureIntent("pi_1", 1000, True)
    story.when(answer(CAPTURE_CALL, CAPTURED)).then(PaymentCaptured).settling("capture")
    assert story.payment.authorized_until is None


def test_a_final_capture_in_part_releases_the_rest() -> None:
    story = authorized(capture(300)).when(answer(CAPTURE_CALL, CAPTURED_300)).then(PaymentCaptured)
    assert story.payment.status is PaymentStatus.CAPTURED
    assert (story.payment.amount_captured_minor, story.payment.amount_authorized_minor) == (300, 1000)
    assert story.payment.amount_capturable_minor == 0
    story.when(capture(id="more")).then_refused(Code.PAYMENT_STATE_CONFLICT)


def test_several_captures_each_have_a_call_of_their_own() -> None:
    story = authorized(capture(300, final=False)).when(answer(CAPTURE_CALL, CAPTURED_IN_PART))
    story.then(PaymentCaptured("pi_1", "ch_1", 300, False)).settling("capture")
    assert story.payment.status is PaymentStatus.AUTHORIZED
    assert story.payment.amount_capturable_minor == 700
    story.when(capture(701, id="too much")).then_refused(Code.CAPTURE_EXCEEDS_AUTHORIZED)
    story.when(capture(id="rest")).then(PaymentCaptureRequested)
    assert story.history.asked[SECOND_CAPTURE].ask == CaptureIntent("pi_1", 700, True)
    story.when(answer(SECOND_CAPTURE, CAPTURED)).then(PaymentCaptured).settling("rest")


def test_the_late_answer_of_an_earlier_capture_does_not_answer_a_later_one() -> None:
    story = authorized(capture(300, final=False), notice(CAPTURED_IN_PART), capture(id="rest"))
    story.when(answer(CAPTURE_CALL, CAPTURED_IN_PART)).then_nothing()
    story.when(answer(SECOND_CAPTURE, CAPTURED)).then(PaymentCaptured).settling("rest")


def test_more_than_was_authorized_cannot_be_captured() -> None:
    authorized().when(capture(1001)).then_refused(Code.CAPTURE_EXCEEDS_AUTHORIZED, "capture")


def test_nothing_is_asked_for_where_nothing_is_left_to_capture() -> None:
    all_of_it = CAPTURED_IN_PART.__class__("pi_1", AUTHORIZED.status, "usd", 1000, 0, 1000, "ch_1")
    story = authorized(capture(1000, final=False), answer(CAPTURE_CALL, all_of_it))
    story.when(capture(id="more")).then_refused(Code.CAPTURE_EXCEEDS_AUTHORIZED)


def test_only_an_authorized_payment_can_be_captured() -> None:
    given().when(capture()).then_refused(Code.NOT_FOUND)
    for seen in (REQUIRES_ACTION, PROCESSING, CAPTURED, CANCELED, FAILED):
        given(create(), answer(CREATE_CALL, seen)).when(capture()).then_refused(Code.PAYMENT_STATE_CONFLICT)


def test_while_one_thing_is_under_way_nothing_else_of_the_payment_is_begun() -> None:
    given(create()).when(capture()).then_refused(Code.PAYMENT_STATE_CONFLICT)
    given(create()).when(cancel()).then_refused(Code.PAYMENT_STATE_CONFLICT)
    for first in (capture(300, final=False, id="first"), cancel(id="first")):
        story = authorized(first)
        story.when(capture()).then_refused(Code.PAYMENT_STATE_CONFLICT, "capture")
        story.when(cancel()).then_refused(Code.PAYMENT_STATE_CONFLICT, "cancel")


def test_a_capture_the_provider_refuses_is_refused_and_can_be_tried_anew_under_another_key() -> None:
    story = authorized(capture()).when(rejected(CAPTURE_CALL)).then_refused(Code.PROVIDER_REFUSED, "capture")
    assert story.payment.status is PaymentStatus.AUTHORIZED
    refusal = story.transaction.commands["capture"].message
    assert refusal == (
        "the capture was not carried out: the provider refused it (resource_missing): No such payment method."
    )
    story.when(capture(id="again")).then(PaymentCaptureRequested)
    assert list(story.history.asked) == [CREATE_CALL, CAPTURE_CALL, SECOND_CAPTURE]


def test_a_capture_refused_after_doubt_leaves_the_payment_authorized_as_before() -> None:
    story = authorized(capture(), unknown(CAPTURE_CALL)).when(rejected(CAPTURE_CALL))
    story.then(PaymentAuthorized, CommandRefused).settling("capture")
    assert story.payment.amount_capturable_minor == 1000
    assert story.payment.authorized_until == AUTHORIZED.authorized_until


def test_a_capture_that_was_not_carried_out_is_refused() -> None:
    authorized(capture()).when(answer(CAPTURE_CALL, AUTHORIZED)).then_refused(
        Code.PAYMENT_STATE_CONFLICT, "capture"
    )
    doubted = authorized(capture(), unknown(CAPTURE_CALL)).when(answer(CAPTURE_CALL, AUTHORIZED))
    doubted.then(PaymentAuthorized, CommandRefused).settling("capture")


def test_a_doubtful_capture_is_settled_by_its_notice() -> None:
    doubt = authorized(capture()).when(unknown(CAPTURE_CALL)).then(PaymentOutcomeUnknown)
    doubt.when(notice(CAPTURED)).then(PaymentCaptured).settling("capture")


def test_an_old_notice_does_not_end_the_doubt_about_a_capture() -> None:
    doubt = authorized(capture(), unknown(CAPTURE_CALL))
    for old in (AUTHORIZED, REQUIRES_ACTION, PROCESSING, FAILED):
        doubt.when(notice(old)).then_nothing()


def test_an_old_notice_does_not_open_a_payment_for_a_second_capture_after_one_was_given_up() -> None:
    lost = authorized(capture(300, final=False), unknown(CAPTURE_CALL))
    lost.when(unknown(CAPTURE_CALL, KEY_AGE_MAX_S + 1)).then(PaymentReviewRequired).settling("capture")
    for old in (AUTHORIZED, REQUIRES_ACTION, PROCESSING, FAILED):
        lost.when(notice(old)).then_nothing()
    lost.when(capture(300, final=False, id="again")).then_refused(Code.PAYMENT_STATE_CONFLICT)
    lost.when(notice(CAPTURED_IN_PART)).then(PaymentReadRequested)
    lost.when(answer(READ_CALL, CAPTURED_IN_PART)).then(PaymentCaptured, CallEnded)
    assert lost.payment.amount_capturable_minor == 700


def test_captures_of_one_payment_are_limited() -> None:
    story = authorized()
    for n in range(1, CAPTURES_MAX + 1):
        story.when(capture(1, final=False, id=f"c{n}"), rejected(f"{PAYMENT}:capture:{n}"))
    story.when(capture(1, id="one more")).then_refused(Code.LIMIT_EXCEEDED)


def test_cancellations_of_one_payment_are_limited() -> None:
    story = authorized()
    for n in range(1, CANCELS_MAX + 1):
        story.when(cancel(id=f"c{n}"), rejected(f"{PAYMENT}:cancel:{n}"))
    story.when(cancel(id="one more")).then_refused(Code.LIMIT_EXCEEDED)


@pytest.mark.parametrize("story", [authorized(), waiting_for_the_customer()])
def test_a_payment_nobody_captured_can_be_canceled(story: Story) -> None:
    story.when(cancel("abandoned")).then(PaymentCancelRequested).opening("cancel")
    assert story.history.asked[CANCEL_CALL].ask == CancelIntent("pi_1", "abandoned")
    story.when(answer(CANCEL_CALL, CANCELED)).then(PaymentCanceled).settling("cancel")
    assert story.payment.status is PaymentStatus.CANCELED
    assert story.payment.cancellation_reason == "abandoned"


def test_what_is_at_the_bank_can_be_called_back_if_the_provider_can() -> None:
    story = given(create(), answer(CREATE_CALL, PROCESSING)).when(cancel()).then(PaymentCancelRequested)
    story.when(rejected(CANCEL_CALL)).then_refused(Code.PROVIDER_REFUSED, "cancel")
    assert story.payment.status is PaymentStatus.PROCESSING
    doubted = given(create(), answer(CREATE_CALL, PROCESSING), cancel(), unknown(CANCEL_CALL))
    doubted.when(rejected(CANCEL_CALL)).then(PaymentProcessing, CommandRefused).settling("cancel")
    doubted.when(cancel(id="again"), answer(SECOND_CANCEL, CANCELED))
    doubted.then(PaymentCancelRequested, PaymentCanceled).settling("again")


def test_what_has_ended_cannot_be_canceled() -> None:
    given().when(cancel()).then_refused(Code.NOT_FOUND)
    for seen in (CAPTURED, CANCELED, FAILED):
        given(create(), answer(CREATE_CALL, seen)).when(cancel()).then_refused(Code.PAYMENT_STATE_CONFLICT)


def test_an_authorization_that_expires_is_canceled_by_a_notice() -> None:
    authorized().when(notice(CANCELED)).then(PaymentCanceled).settling()


def test_a_cancellation_refused_after_doubt_leaves_the_customers_step_as_it_was() -> None:
    doubt = waiting_for_the_customer(cancel()).when(unknown(CANCEL_CALL)).then(PaymentOutcomeUnknown)
    story = doubt.when(rejected(CANCEL_CALL)).then(PaymentActionRequired, CommandRefused).settling("cancel")
    assert story.payment.next_action == {"type": "redirect_to_url"}
    assert story.payment.amount_authorized_minor == 0


@pytest.mark.parametrize("doubt", [[], [unknown(CANCEL_CALL)], [deferred(CANCEL_CALL)]])
def test_a_cancellation_that_loses_against_a_capture_is_refused_at_once(doubt: list[Command]) -> None:
    story = authorized(cancel(), *doubt).when(notice(CAPTURED)).then(PaymentReadRequested)
    story.when(answer(READ_CALL, CAPTURED)).then(PaymentCaptured, CommandRefused, CallEnded)
    story.settling("cancel")
    for late in (
        unknown(CANCEL_CALL),
        rejected(CANCEL_CALL),
        answer(CANCEL_CALL, CAPTURED),
        check(KEY_AGE_MAX_S + 1),
    ):
        story.when(late).then_nothing()


@pytest.mark.parametrize("doubt", [[], [unknown(CAPTURE_CALL)], [deferred(CAPTURE_CALL)]])
def test_a_capture_that_loses_against_a_cancellation_is_refused_at_once(doubt: list[Command]) -> None:
    story = authorized(capture(), *doubt).when(notice(CANCELED)).then(PaymentCanceled, CommandRefused)
    story.settling("capture")
    story.when(unknown(CAPTURE_CALL)).then_nothing()


def test_a_cancellation_that_loses_against_a_failed_authentication_is_refused_at_once() -> None:
    seen = waiting_for_the_customer(cancel(), notice(FAILED)).when(answer(READ_CALL, FAILED))
    seen.then(PaymentDeclined, CommandRefused, CallEnded).settling("cancel")


def test_a_payment_authorized_while_it_is_being_canceled_is_known_to_be() -> None:
    story = waiting_for_the_customer(cancel()).when(notice(AUTHORIZED)).then(PaymentAuthorized).settling()
    story.when(rejected(CANCEL_CALL)).then_refused(Code.PROVIDER_REFUSED, "cancel")
    assert story.payment.amount_capturable_minor == 1000


def test_a_capture_seen_only_in_the_end_of_its_payment_was_carried_out() -> None:
    story = authorized(capture(300, final=False)).when(notice(CANCELED_AFTER_300))
    story.then(PaymentReadRequested).when(answer(READ_CALL, CANCELED_AFTER_300))
    story.then(PaymentCaptured, PaymentCanceled, CallEnded).settling("capture")
    assert story.payment.amount_captured_minor == 300
    story.when(refund(300)).opening("refund-1")


def test_a_deferred_capture_leaves_the_payment_authorized() -> None:
    story = authorized(capture()).when(deferred(CAPTURE_CALL)).then(CallDeferred)
    assert story.payment.status is PaymentStatus.AUTHORIZED


def test_a_captured_amount_that_shrinks_is_looked_at_and_a_persons_if_it_stays_so() -> None:
    story = authorized(capture(300, final=False), answer(CAPTURE_CALL, CAPTURED_IN_PART))
    less = CAPTURED.__class__("pi_1", CAPTURED.status, "usd", 1000, 0, 200, "ch_1")
    story.when(notice(less)).then(PaymentReadRequested)
    story.when(answer(READ_CALL, less)).then(PaymentReviewRequired, CallEnded)
    assert story.payment.status is PaymentStatus.MANUAL_REVIEW


def test_an_answer_older_than_what_is_known_leaves_the_call_open() -> None:
    story = authorized(capture(300, final=False), notice(CAPTURED_IN_PART), capture(id="rest"))
    with pytest.raises(InvariantBroken):
        story.when(answer(SECOND_CAPTURE, AUTHORIZED))
    assert list(story.transaction.calls) == [SECOND_CAPTURE]
