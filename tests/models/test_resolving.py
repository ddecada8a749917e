"""Stories: a person has looked at what no machine could know, says what was found, and stands for it by name."""

from dataclasses import replace

import pytest

from models.codes import Code
from models.commands import Command
from models.errors import InvariantBroken
from models.events import (
    CallEnded,
    CommandRefused,
    EventData,
    PaymentAuthorized,
    PaymentCanceled,
    PaymentCaptured,
    PaymentCaptureRequested,
    PaymentDeclined,
    PaymentReadRequested,
    PaymentReviewRequired,
    RefundCanceled,
    RefundFailed,
    RefundRequested,
    RefundSucceeded,
    ReviewResolved,
)
from models.payment import PaymentStatus
from models.provider import Operation, RefundStatus
from models.recheck import KEY_AGE_MAX_S
from tests.models.samples import (
    CANCEL_CALL,
    CAPTURE_CALL,
    CAPTURED,
    CAPTURED_IN_PART,
    CREATE_CALL,
    HELD,
    LOST,
    PAYMENT,
    READ_CALL,
    REFUND_LOST,
    answer,
    cancel,
    capture,
    create,
    notice,
    refund,
    refund_call,
    refund_name,
    refunded,
    rejected,
    resolve,
    unknown,
)
from tests.models.story import given

RE_1 = refund_name()
LATE_S = KEY_AGE_MAX_S + 1
GIVEN_UP = (*LOST, unknown(CREATE_CALL, LATE_S))
CAPTURE_GIVEN_UP = (*HELD, capture(), unknown(CAPTURE_CALL, LATE_S))
RESOLUTIONS: dict[str, tuple[type[EventData], PaymentStatus]] = {
    "captured": (PaymentCaptured, PaymentStatus.CAPTURED),
    "authorized": (PaymentAuthorized, PaymentStatus.AUTHORIZED),
    "canceled": (PaymentCanceled, PaymentStatus.CANCELED),
    "declined": (PaymentDeclined, PaymentStatus.DECLINED),
}
REFUND_RESOLUTIONS: dict[str, tuple[type[EventData], RefundStatus]] = {
    "succeeded": (RefundSucceeded, RefundStatus.SUCCEEDED),
    "failed": (RefundFailed, RefundStatus.FAILED),
    "canceled": (RefundCanceled, RefundStatus.CANCELED),
}


@pytest.mark.parametrize("word", RESOLUTIONS)
@pytest.mark.parametrize("known", [LOST, GIVEN_UP])
def test_an_intent_that_only_a_person_names_is_looked_at_and_not_believed(
    word: str, known: tuple[Command, ...]
) -> None:
    story = given(*known).when(resolve(word)).then(ReviewResolved, PaymentReadRequested).settling("resolve")
    assert list(story.transaction.calls)[-1] == READ_CALL
    assert all(call.call.operation is not Operation.CANCEL for call in story.transaction.calls.values())
    story.when(rejected(READ_CALL)).then(CallEnded)  # another payment's, or nobody's
    assert story.payment.intent is None
    shown = given(*known, resolve(word)).when(answer(READ_CALL, CAPTURED)).then(PaymentCaptured, CallEnded)
    assert shown.payment.status is PaymentStatus.CAPTURED


@pytest.mark.parametrize("word", ["canceled", "declined"])
def test_what_a_person_finds_ends_the_doubt_and_answers_the_command_that_was_in_doubt(word: str) -> None:
    kind, status = RESOLUTIONS[word]
    story = given(*LOST).when(resolve(word, intent=None, after_s=LATE_S))
    story.then(ReviewResolved, kind).opening()
    story.settling("resolve", "create")
    assert (story.payment.status, story.payment.unknown_since) == (status, None)
    assert [call.command for call in story.transaction.calls.values() if call.command] == []


@pytest.mark.parametrize("word", RESOLUTIONS)
def test_what_a_person_finds_ends_a_review_whose_command_was_answered_before(word: str) -> None:
    kind, status = RESOLUTIONS[word]
    amount_minor = 1000 if word == "captured" else None
    story = given(*CAPTURE_GIVEN_UP).when(resolve(word, amount_minor=amount_minor))
    story.then(ReviewResolved, kind).opening().settling("resolve")
    assert (story.payment.status, story.payment.review_reason) == (status, None)
    assert (story.payment.intent, story.payment.unknown_since) == ("pi_1", None)


def test_who_found_it_and_why_stands_in_the_story_before_what_follows() -> None:
    told = ReviewResolved("captured", "seen in the provider's dashboard", "ada")
    story = given(*CAPTURE_GIVEN_UP).when(resolve("captured", amount_minor=1000))
    story.then(told, PaymentCaptured("pi_1", "ch_1", 1000, True))
    assert story.events[0].fingerprint
    of_refund = ReviewResolved("failed", "seen in the provider's dashboard", "ada", RE_1)
    given(*REFUND_LOST).when(resolve("failed", RE_1, after_s=LATE_S)).then(
        of_refund, RefundFailed(RE_1, None, "resolved_as_failed")
    )


@pytest.mark.parametrize("word", REFUND_RESOLUTIONS)
def test_what_a_person_finds_of_a_refund_ends_its_doubt_or_its_review(word: str) -> None:
    kind, status = REFUND_RESOLUTIONS[word]
    story = given(*REFUND_LOST).when(resolve(word, RE_1, after_s=LATE_S)).then(ReviewResolved, kind)
    story.settling("resolve", "refund-1")
    reviewed = given(*REFUND_LOST, unknown(refund_call(), LATE_S)).when(resolve(word, RE_1))
    reviewed.then(ReviewResolved, kind).settling("resolve")
    for after in (story, reviewed):
        assert after.refund().status is status
        assert after.payment.status is PaymentStatus.CAPTURED
        assert after.transaction.calls == {}
        left = 400 if status is RefundStatus.SUCCEEDED else 1000
        assert after.transaction.amount_refundable_minor == left


def test_a_capture_in_doubt_is_answered_by_what_was_found_or_refused() -> None:
    doubt: list[Command] = [capture(300), unknown(CAPTURE_CALL)]
    story = (
        given(*HELD, *doubt).when(resolve("captured", amount_minor=300)).then(ReviewResolved, PaymentCaptured)
    )
    story.settling("resolve", "capture")
    assert (story.payment.amount_captured_minor, story.remembered("capture").code) == (300, None)
    by_default = given(*HELD, *doubt).when(resolve("captured")).then(ReviewResolved, PaymentCaptured)
    assert by_default.payment.amount_captured_minor == 300
    for word, after_s in (("authorized", LATE_S), ("canceled", 0), ("declined", LATE_S)):
        other = given(*HELD, *doubt).when(resolve(word, after_s=after_s)).settling("resolve", "capture")
        other.then(ReviewResolved, RESOLUTIONS[word][0], CommandRefused)
        assert other.remembered("capture").code is Code.PAYMENT_STATE_CONFLICT


def test_a_cancellation_in_doubt_is_answered_by_what_was_found_or_refused() -> None:
    doubt: list[Command] = [cancel(), unknown(CANCEL_CALL)]
    given(*HELD, *doubt).when(resolve("canceled")).then(ReviewResolved, PaymentCanceled).settling(
        "resolve", "cancel"
    )
    for word in ("authorized", "captured", "declined"):
        story = given(*HELD, *doubt).when(resolve(word)).settling("resolve", "cancel")
        assert story.remembered("cancel").code is Code.PAYMENT_STATE_CONFLICT


def test_what_was_found_authorized_can_be_captured_as_if_nothing_had_been() -> None:
    story = given(*CAPTURE_GIVEN_UP).when(resolve("authorized", amount_minor=700), capture(id="again"))
    story.opening("again")
    assert isinstance(story.events[-1].data, PaymentCaptureRequested)
    assert story.events[-1].data.amount_minor == 700


def test_what_was_found_declined_is_canceled_at_the_provider_where_its_intent_is_known() -> None:
    story = given(*CAPTURE_GIVEN_UP).when(resolve("declined"))
    assert [call.call.operation for call in story.transaction.calls.values()] == [Operation.CANCEL]
    assert given(*GIVEN_UP).when(resolve("declined", intent=None)).transaction.calls == {}


def test_the_amounts_that_just_can_have_been_are_taken() -> None:
    for word, amount in (("captured", 1), ("captured", 1000), ("authorized", 1), ("authorized", 1000)):
        doubted = given(*HELD, capture(), unknown(CAPTURE_CALL))
        said = resolve(word, amount_minor=amount, after_s=LATE_S)
        story = doubted.when(said).settling("resolve", "capture")
        assert story.payment.amount_authorized_minor >= amount
        assert max(story.payment.amount_captured_minor, story.payment.amount_capturable_minor) == amount


def test_without_an_amount_all_that_was_authorized_is_what_was_captured() -> None:
    part = given(*CAPTURE_GIVEN_UP, resolve("authorized", amount_minor=700), capture(id="again"))
    part.when(unknown(f"{PAYMENT}:capture:2"), resolve("captured", id="found")).settling("found", "again")
    assert part.payment.amount_captured_minor == 700


@pytest.mark.parametrize("word", ["declined", "canceled"])
@pytest.mark.parametrize("known", [GIVEN_UP, CAPTURE_GIVEN_UP])
def test_evidence_that_comes_later_still_counts(word: str, known: tuple[Command, ...]) -> None:
    story = given(*known).when(resolve(word, intent=None)).settling("resolve")
    story.when(notice(CAPTURED)).then(PaymentReadRequested)
    story.when(answer(READ_CALL, CAPTURED))
    assert story.events[0].data.__class__ is PaymentReviewRequired
    assert story.payment.status is PaymentStatus.MANUAL_REVIEW
    story.when(resolve("captured", id="again", amount_minor=1000)).settling("again")
    assert (story.payment.amount_captured_minor, story.payment.intent) == (1000, "pi_1")


@pytest.mark.parametrize("word", ["failed", "canceled"])
def test_a_refund_found_not_made_that_was_made_all_the_same_is_noticed(word: str) -> None:
    story = given(*REFUND_LOST, resolve(word, RE_1, after_s=LATE_S))
    with pytest.raises(InvariantBroken):
        story.when(notice(refunded(RefundStatus.SUCCEEDED, 600)))


def test_the_late_answer_of_the_call_itself_adds_nothing() -> None:
    for late in (rejected(CAPTURE_CALL), unknown(CAPTURE_CALL, LATE_S), answer(CAPTURE_CALL, CAPTURED)):
        given(*HELD, capture(), unknown(CAPTURE_CALL), resolve("captured")).when(late).then_nothing()
    given(*REFUND_LOST, resolve("succeeded", RE_1)).when(rejected(refund_call())).then_nothing()


def test_what_was_found_of_a_payment_leaves_its_refunds_alone() -> None:
    story = given(*HELD, capture(300, final=False), answer(CAPTURE_CALL, CAPTURED_IN_PART), refund(100))
    story.when(capture(id="rest"), unknown(f"{PAYMENT}:capture:2"), resolve("captured"))
    assert list(story.transaction.calls) == [refund_call()]
    story.when(refund(n=2)).then(RefundRequested)


def test_a_payment_that_is_for_a_person_has_no_call_of_its_own_under_way() -> None:
    odd = replace(CAPTURED, amount_minor=999)
    story = given(create()).when(answer(CREATE_CALL, odd))
    story.then(PaymentReviewRequired).settling("create")
    story.when(unknown(CREATE_CALL)).then_nothing()


def test_a_notice_against_a_persons_word_about_a_refund_is_a_lie_and_one_that_agrees_is_no_news() -> None:
    """It may be older than what was seen, or the person was wrong: nobody but a person can tell, so it is alarmed."""
    story = given(*REFUND_LOST, resolve("failed", RE_1, after_s=LATE_S))
    with pytest.raises(InvariantBroken):
        story.when(notice(refunded(RefundStatus.SUCCEEDED, 600)))
    story.when(notice(refunded(RefundStatus.FAILED, 600))).then_nothing()
