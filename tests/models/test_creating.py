"""Stories: a payment is asked for, and the provider says what became of it."""

import pytest

from models.codes import Code
from models.commands import Command
from models.events import (
    CallDeferred,
    CallEnded,
    CallRepeated,
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentDeclined,
    PaymentOutcomeUnknown,
    PaymentProcessing,
    PaymentReadRequested,
    PaymentRequested,
    PaymentReviewRequired,
)
from models.money import AMOUNT_MAX_MINOR, CURRENCIES
from models.payment import PaymentStatus
from models.provider import CreateIntent, IntentSnapshot, IntentStatus, Operation, PspCall
from models.recheck import (
    CALL_LOST_AFTER_S,
    CREATE_AGE_MAX_S,
    GIVEN_UP_S,
    KEY_AGE_MAX_S,
    RECHECK_FIRST_S,
)
from models.transaction import react
from tests.models.samples import (
    AUTHORIZED,
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
    check,
    create,
    create_manual,
    declined,
    deferred,
    invalid,
    notice,
    rejected,
    terms,
    unknown,
)
from tests.models.story import given


def test_a_create_is_the_durable_intent_to_make_just_this_call() -> None:
    call = PspCall(CREATE_CALL, Operation.CREATE, PAYMENT, MERCHANT, START, CreateIntent(terms()))
    story = given().when(create()).then(PaymentRequested(terms(), call)).opening("create").settling()
    assert react(story.events[0]) == call
    assert story.payment.status is PaymentStatus.PROCESSING


def test_an_automatic_payment_is_captured_by_the_answer_and_its_command_answered() -> None:
    story = given(create()).when(answer(CREATE_CALL, CAPTURED))
    story.then(PaymentCaptured("pi_1", "ch_1", 1000, True)).settling("create")
    assert story.payment.status is PaymentStatus.CAPTURED
    assert (story.payment.amount_captured_minor, story.payment.amount_authorized_minor) == (1000, 1000)
    assert story.transaction.next_check_at is None


def test_a_manual_payment_is_authorized_with_the_whole_amount_capturable() -> None:
    story = given(create_manual()).when(answer(CREATE_CALL, AUTHORIZED)).then(PaymentAuthorized)
    story.settling("create")
    assert story.payment.amount_capturable_minor == 1000
    assert story.payment.authorized_until == AUTHORIZED.authorized_until


def test_a_decline_keeps_the_providers_codes() -> None:
    story = given(create()).when(declined()).then(PaymentDeclined).settling("create")
    assert story.payment.status is PaymentStatus.DECLINED
    assert story.payment.decline is not None
    assert (story.payment.decline.code, story.payment.decline.decline_code) == (
        "card_declined",
        "insufficient_funds",
    )


def test_a_call_the_provider_refuses_declines_the_payment_with_its_code() -> None:
    story = given(create()).when(rejected()).then(PaymentDeclined).settling("create")
    assert story.payment.decline is not None
    assert story.payment.decline.code == "resource_missing"


def test_a_failed_intent_without_a_reason_is_a_decline_all_the_same() -> None:
    seen = IntentSnapshot("pi_1", IntentStatus.FAILED, "usd", 1000)
    assert given(create()).when(answer(CREATE_CALL, seen)).then(PaymentDeclined).payment.decline is not None


def test_an_unknown_outcome_is_known_later_under_the_same_key() -> None:
    doubt = given(create()).when(unknown(CREATE_CALL)).then(PaymentOutcomeUnknown).settling()
    assert doubt.payment.status is PaymentStatus.UNKNOWN
    assert doubt.payment.unknown_since == START
    again = doubt.when(check(RECHECK_FIRST_S)).then(CallRepeated).settling()
    call = react(again.events[0])
    assert call is not None
    assert call.key == CREATE_CALL
    known = again.when(answer(CREATE_CALL, CAPTURED)).then(PaymentCaptured).settling("create")
    assert known.payment.unknown_since is None


def test_doubt_that_goes_on_is_looked_after_ever_more_rarely_and_keeps_its_beginning() -> None:
    story = (
        given(create(), unknown(CREATE_CALL))
        .when(unknown(CREATE_CALL, after_s=100))
        .then(PaymentOutcomeUnknown)
    )
    assert story.payment.unknown_since == START
    assert story.transaction.next_check_at is not None
    assert (story.transaction.next_check_at - START).total_seconds() == 100 + 2 * RECHECK_FIRST_S


def test_a_deferred_call_is_no_doubt_and_is_made_later() -> None:
    story = given(create()).when(deferred(CREATE_CALL)).then(CallDeferred).settling()
    assert story.payment.status is PaymentStatus.PROCESSING
    story.when(check(RECHECK_FIRST_S)).then(CallRepeated)


def test_a_deferred_call_does_not_end_a_doubt() -> None:
    story = given(create(), unknown(CREATE_CALL)).when(deferred(CREATE_CALL)).then(CallDeferred)
    assert story.payment.status is PaymentStatus.UNKNOWN


def test_a_call_that_nobody_answered_is_made_again() -> None:
    given(create()).when(check(CALL_LOST_AFTER_S - 1)).then_nothing()
    given(create()).when(check(CALL_LOST_AFTER_S)).then(CallRepeated)


def test_a_check_that_comes_twice_repeats_a_call_once() -> None:
    given(create()).when(check(CALL_LOST_AFTER_S), check(CALL_LOST_AFTER_S)).then(CallRepeated)


@pytest.mark.parametrize("doubt", [[], [unknown(CREATE_CALL)], [deferred(CREATE_CALL)]])
def test_past_the_keys_age_it_is_looked_for_and_if_it_is_not_found_a_person_must_look(
    doubt: list[object],
) -> None:
    asked = given(create(), *doubt)  # type: ignore[arg-type]
    asked.when(check(KEY_AGE_MAX_S + CALL_LOST_AFTER_S)).then(CallRepeated)
    asked.when(deferred(CREATE_CALL, GIVEN_UP_S)).then(
        CallDeferred
    )  # nobody could look: no reason to give up
    story = asked.when(unknown(CREATE_CALL, KEY_AGE_MAX_S * 3)).then(PaymentReviewRequired).settling("create")
    assert story.payment.status is PaymentStatus.MANUAL_REVIEW
    assert story.transaction.calls == {}


@pytest.mark.parametrize("doubt", [[], [unknown(CREATE_CALL)]])
def test_what_nobody_could_even_look_for_is_a_persons_another_day_later(doubt: list[Command]) -> None:
    """A listing that is too long to be gone through, an account that is shut."""
    story = given(create(), *doubt).when(deferred(CREATE_CALL, GIVEN_UP_S + 1)).then(PaymentReviewRequired)
    story.settling("create")
    assert story.payment.status is PaymentStatus.MANUAL_REVIEW
    assert story.transaction.next_check_at is None
    story.when(notice(CAPTURED)).then(PaymentCaptured)


def test_a_payment_under_review_is_settled_by_evidence_and_its_command_is_not_answered_again() -> None:
    given_up = given(create(), unknown(CREATE_CALL), unknown(CREATE_CALL, KEY_AGE_MAX_S + 1))
    story = given_up.when(notice(CAPTURED)).then(PaymentCaptured).settling()
    assert story.payment.status is PaymentStatus.CAPTURED


def test_a_payment_that_needs_its_customer_is_finished_by_a_notice() -> None:
    story = (
        given(create())
        .when(answer(CREATE_CALL, REQUIRES_ACTION))
        .then(PaymentActionRequired)
        .settling("create")
    )
    assert story.payment.next_action == {"type": "redirect_to_url"}
    story.when(notice(CAPTURED)).then(PaymentCaptured).settling()
    assert story.payment.next_action is None


def test_a_customer_who_fails_to_authenticate_has_declined() -> None:
    told = (
        given(create(), answer(CREATE_CALL, REQUIRES_ACTION)).when(notice(FAILED)).then(PaymentReadRequested)
    )
    told.when(answer(READ_CALL, FAILED)).then(PaymentDeclined, CallEnded).settling()


def test_a_slow_method_is_processing_until_a_notice() -> None:
    story = given(create()).when(answer(CREATE_CALL, PROCESSING)).then(PaymentProcessing).settling("create")
    assert not story.transaction.calls
    story.when(notice(CAPTURED)).then(PaymentCaptured)
    assert story.transaction.next_check_at is None


def test_a_second_answer_to_one_call_changes_nothing() -> None:
    done = given(create(), answer(CREATE_CALL, CAPTURED))
    for late in (
        answer(CREATE_CALL, CAPTURED),
        unknown(CREATE_CALL),
        declined(),
        rejected(),
        deferred(CREATE_CALL),
    ):
        done.when(late).then_nothing()


def test_a_second_create_of_one_payment_is_refused_and_asks_nothing_of_the_provider() -> None:
    for known in ([], [declined()], [unknown(CREATE_CALL)], [answer(CREATE_CALL, CAPTURED)]):
        story = given(create(), *known).when(create("another"))
        story.then_refused(Code.PAYMENT_STATE_CONFLICT, "another")
        assert [call for call in story.history.asked if ":create:" in call] == [CREATE_CALL]


def test_a_create_that_waited_too_long_is_refused_and_stays_refused() -> None:
    given().when(create(age_s=CREATE_AGE_MAX_S)).then(PaymentRequested)
    story = given().when(create(age_s=CREATE_AGE_MAX_S + 1)).then_refused(Code.COMMAND_EXPIRED, "create")
    story.when(create(age_s=0)).then_nothing()


def test_only_what_the_currency_allows_can_be_charged() -> None:
    given().when(create(currency="xxx")).then_refused(Code.CURRENCY_UNSUPPORTED)
    given().when(create(amount_minor=AMOUNT_MAX_MINOR + 1)).then_refused(Code.AMOUNT_TOO_LARGE)
    given().when(create(amount_minor=AMOUNT_MAX_MINOR)).then(PaymentRequested)
    given().when(create(amount_minor=150, currency="isk")).then_refused(Code.VALIDATION_FAILED)
    given().when(create(amount_minor=1005, currency="kwd")).then_refused(Code.VALIDATION_FAILED)


@pytest.mark.parametrize("code", sorted(CURRENCIES))
def test_the_least_amount_of_every_currency_is_accepted_and_less_is_refused(code: str) -> None:
    least = CURRENCIES[code].minimum_minor
    given().when(create(amount_minor=least, currency=code)).then(PaymentRequested)
    given().when(create(amount_minor=least - 1, currency=code)).then_refused(Code.AMOUNT_TOO_SMALL)


def test_an_invalid_command_is_refused_with_every_fault_named() -> None:
    story = given().when(invalid()).then_refused(Code.VALIDATION_FAILED, "invalid")
    assert [error.field for error in story.events[0].data.errors] == ["amount"]  # type: ignore[union-attr]
