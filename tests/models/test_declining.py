"""Stories: a payment is declined, and its intent canceled at the provider: a customer could still pay it otherwise."""

from itertools import permutations

import pytest

from models.codes import Code
from models.commands import Command
from models.events import (
    CallDeferred,
    CallEnded,
    CallRepeated,
    PaymentCanceled,
    PaymentCaptured,
    PaymentDeclined,
    PaymentReadRequested,
    PaymentReviewRequired,
)
from models.payment import PaymentStatus
from models.provider import CancelIntent, Decline, Declined, IntentSnapshot, Operation, PspCall
from models.recheck import CALL_LOST_AFTER_S, GIVEN_UP_S, KEY_AGE_MAX_S, RECHECK_FIRST_S
from tests.models.samples import (
    AUTHORIZED,
    CANCEL_CALL,
    CANCELED,
    CAPTURED,
    CREATE_CALL,
    FAILED,
    MERCHANT,
    PAYMENT,
    PROCESSING,
    READ_CALL,
    REQUIRES_ACTION,
    START,
    answer,
    cancel,
    capture,
    check,
    create,
    declined,
    deferred,
    notice,
    outcome,
    rejected,
    resolve,
    unknown,
)
from tests.models.story import Story, given

SECOND_CANCEL = f"{PAYMENT}:cancel:2"
CANCELLATION = PspCall(CANCEL_CALL, Operation.CANCEL, PAYMENT, MERCHANT, START, CancelIntent("pi_1"))


def being_closed(*more: Command) -> Story:
    """Declined, and its intent's cancellation under way."""
    return given(create(), declined(), *more)


@pytest.mark.parametrize("said", [declined(), notice(FAILED), answer(CREATE_CALL, FAILED)])
@pytest.mark.parametrize("doubt", [[], [unknown(CREATE_CALL)]])
def test_what_was_declined_is_canceled_at_the_provider_and_no_command_waits_for_it(
    said: Command, doubt: list[Command]
) -> None:
    story = given(create(), *doubt).when(said).then(PaymentDeclined).opening().settling("create")
    assert story.history.asked[CANCEL_CALL] == CANCELLATION
    (call,) = story.transaction.calls.values()
    assert (call.call, call.command) == (CANCELLATION, None)
    assert story.payment.status is PaymentStatus.DECLINED


@pytest.mark.parametrize("known", [REQUIRES_ACTION, PROCESSING])
def test_a_decline_after_the_command_was_answered_cancels_as_well_and_answers_nobody(
    known: IntentSnapshot,
) -> None:
    story = given(create(), answer(CREATE_CALL, known)).when(notice(FAILED)).then(PaymentReadRequested)
    story.when(answer(READ_CALL, FAILED)).then(PaymentDeclined, CallEnded).opening().settling()
    assert list(story.transaction.calls) == [CANCEL_CALL]


@pytest.mark.parametrize("known", [REQUIRES_ACTION, PROCESSING])
@pytest.mark.parametrize(
    ("since", "status"),
    [
        (CAPTURED, PaymentStatus.CAPTURED),
        (AUTHORIZED, PaymentStatus.AUTHORIZED),
        (PROCESSING, PaymentStatus.PROCESSING),
    ],
)
def test_a_failed_attempt_is_no_decline_where_the_customer_has_made_another_since(
    known: IntentSnapshot, since: IntentSnapshot, status: PaymentStatus
) -> None:
    """Its notice may come hours later, where webhooks could not be delivered: the other attempt's comes after it."""
    for heard in permutations(list[Command]([answer(READ_CALL, since), notice(since)])):
        story = given(create(), answer(CREATE_CALL, known), notice(FAILED)).when(*heard)
        assert story.payment.status is status
        assert story.transaction.calls == {}
        story.when(notice(FAILED), notice(since))
        assert story.payment.status is status


def test_a_decline_overtakes_a_merchants_cancellation_and_is_followed_by_one_of_our_own() -> None:
    story = (
        given(create(), answer(CREATE_CALL, REQUIRES_ACTION), cancel(), notice(FAILED))
        .when(answer(READ_CALL, FAILED))
        .settling("cancel")
    )
    (told,) = [event.data for event in story.events if isinstance(event.data, PaymentDeclined)]
    assert told.call is not None
    assert (told.intent, told.call.key, told.call.ask) == ("pi_1", SECOND_CANCEL, CancelIntent("pi_1"))


@pytest.mark.parametrize("said", [rejected(), outcome(CREATE_CALL, Declined(Decline("card_declined")))])
def test_where_no_intent_is_known_there_is_nothing_to_cancel(said: Command) -> None:
    story = given(create()).when(said).then(PaymentDeclined).settling("create")
    assert story.transaction.calls == {}
    assert list(story.history.asked) == [CREATE_CALL]
    assert story.transaction.next_check_at is None


def test_a_decline_keeps_every_code_of_the_provider_the_network_and_the_issuer() -> None:
    told = Decline("card_declined", "do_not_honor", "try_again_later", "No.", "try_again_later", "05")
    story = given(create()).when(outcome(CREATE_CALL, Declined(told, "pi_1")))
    story.then(PaymentDeclined(told, "pi_1", CANCELLATION))
    story.when(answer(CANCEL_CALL, CANCELED)).then(CallEnded)
    assert story.payment.decline is not None
    kept = story.payment.decline
    assert (kept.decline_code, kept.advice_code, kept.network_code) == (
        "do_not_honor",
        "try_again_later",
        "05",
    )


def test_once_the_intent_is_canceled_the_call_is_over_and_the_payment_stays_declined() -> None:
    story = being_closed().when(answer(CANCEL_CALL, CANCELED)).settling()
    story.then(CallEnded(CANCEL_CALL, "the payment is canceled at the provider"))
    assert story.payment.status is PaymentStatus.DECLINED
    assert story.payment.cancellation_reason is None
    assert story.transaction.calls == {}
    story.when(notice(CANCELED), answer(CANCEL_CALL, CANCELED)).then_nothing()


def test_the_notice_of_the_cancellation_comes_before_its_answer_and_leaves_the_payment_declined() -> None:
    story = being_closed().when(notice(CANCELED)).then_nothing()
    assert list(story.transaction.calls) == [CANCEL_CALL]
    story.when(answer(CANCEL_CALL, CANCELED)).then(CallEnded)


def test_the_clients_command_is_settled_by_the_decline_whatever_becomes_of_the_cancellation() -> None:
    assert being_closed().remembered("create").settled
    ends = (answer(CANCEL_CALL, CANCELED), rejected(CANCEL_CALL), unknown(CANCEL_CALL, KEY_AGE_MAX_S + 1))
    for end in ends:
        story = being_closed().when(end).settling()
        assert story.events
        assert story.remembered("create").code is None


@pytest.mark.parametrize("tried", [unknown(CANCEL_CALL), deferred(CANCEL_CALL)])
def test_a_cancellation_that_did_not_come_through_is_tried_again_under_the_same_key(tried: Command) -> None:
    story = being_closed().when(tried).then(CallDeferred).settling()
    assert story.payment.status is PaymentStatus.DECLINED
    story.when(check(RECHECK_FIRST_S - 1)).then_nothing()
    story.when(check(RECHECK_FIRST_S))
    story.then(CallRepeated)
    assert [event.data.call for event in story.events if isinstance(event.data, CallRepeated)] == [
        CANCELLATION
    ]
    story.when(answer(CANCEL_CALL, CANCELED)).then(CallEnded)


def test_a_cancellation_that_nobody_answered_is_asked_for_again() -> None:
    being_closed().when(check(CALL_LOST_AFTER_S - 1)).then_nothing()
    being_closed().when(check(CALL_LOST_AFTER_S)).then(CallRepeated)


@pytest.mark.parametrize(
    "came_to", [rejected(CANCEL_CALL), answer(CANCEL_CALL, FAILED), answer(CANCEL_CALL, PROCESSING)]
)
def test_an_intent_that_could_not_be_canceled_is_for_a_person(came_to: Command) -> None:
    story = being_closed().when(came_to).then(PaymentReviewRequired).settling()
    assert story.payment.status is PaymentStatus.MANUAL_REVIEW
    assert story.transaction.next_check_at is None
    story.when(unknown(CANCEL_CALL), check(KEY_AGE_MAX_S)).then_nothing()
    story.when(notice(CANCELED)).then(PaymentCanceled)


def test_a_cancellation_that_nobody_could_even_look_for_is_a_persons_another_day_later() -> None:
    story = being_closed(deferred(CANCEL_CALL, GIVEN_UP_S)).when(deferred(CANCEL_CALL, GIVEN_UP_S + 1))
    story.then(PaymentReviewRequired).settling()
    assert story.transaction.calls == {}


def test_a_cancellation_of_which_nothing_is_to_be_found_after_a_day_is_for_a_person() -> None:
    story = being_closed(unknown(CANCEL_CALL)).when(deferred(CANCEL_CALL, GIVEN_UP_S))
    story.then(CallDeferred)  # nobody could look: no reason to give up
    story.when(unknown(CANCEL_CALL, KEY_AGE_MAX_S)).then(CallDeferred)
    story.when(unknown(CANCEL_CALL, KEY_AGE_MAX_S + 1)).then(PaymentReviewRequired).settling()
    assert story.payment.status is PaymentStatus.MANUAL_REVIEW
    assert story.transaction.calls == {}


def test_what_a_person_finds_declined_after_all_is_canceled_under_another_key() -> None:
    story = being_closed(unknown(CANCEL_CALL, KEY_AGE_MAX_S + 1)).when(resolve("declined"))
    story.settling("resolve")
    assert story.payment.status is PaymentStatus.DECLINED
    assert list(story.transaction.calls) == [SECOND_CANCEL]


@pytest.mark.parametrize("known", [[], [unknown(CANCEL_CALL)], [deferred(CANCEL_CALL)]])
def test_a_payment_captured_after_all_is_for_a_person(known: list[Command]) -> None:
    story = being_closed(*known).when(answer(CANCEL_CALL, CAPTURED)).then(PaymentReviewRequired, CallEnded)
    assert story.payment.status is PaymentStatus.MANUAL_REVIEW
    told = being_closed(*known).when(notice(CAPTURED)).then(PaymentReadRequested)
    told.when(answer(READ_CALL, CAPTURED)).then(PaymentReviewRequired, CallEnded).settling()
    told.when(answer(CANCEL_CALL, CAPTURED)).then(CallEnded)
    for after in (story, told):
        assert after.transaction.calls == {}
        assert after.payment.amount_captured_minor == 0  # a person has yet to say so
        after.when(resolve("captured")).settling("resolve")
        assert after.payment.amount_captured_minor == 1000
        assert isinstance(after.events[-1].data, PaymentCaptured)


def test_nothing_else_can_be_done_with_what_was_declined() -> None:
    story = being_closed()
    for sent in (cancel(), capture()):
        story.when(sent).then_refused(Code.PAYMENT_STATE_CONFLICT)
    story.when(notice(REQUIRES_ACTION), notice(PROCESSING)).then_nothing()
    assert list(story.history.asked) == [CREATE_CALL, CANCEL_CALL]
