"""Stories: nobody says anything, and time passes: a customer has left; something is due at last."""

import pytest

from models import policy as policies
from models.commands import Command
from models.events import (
    CallDeferred,
    CallEnded,
    CallRepeated,
    PaymentAuthorized,
    PaymentCanceled,
    PaymentCancelRequested,
    PaymentCaptured,
    PaymentReviewRequired,
)
from models.payment import PaymentStatus
from models.policy import Policy
from models.provider import CancelIntent, IntentSnapshot
from models.recheck import CALL_LOST_AFTER_S, KEY_AGE_MAX_S, RECHECK_FIRST_S
from models.transaction import CANCELS_MAX
from tests.models.samples import (
    AUTHORIZED,
    CANCEL_CALL,
    CANCELED,
    CAPTURE_CALL,
    CAPTURED,
    CAPTURED_IN_PART,
    CREATE_CALL,
    DAY_S,
    HELD,
    PAYMENT,
    PROCESSING,
    REQUIRES_ACTION,
    answer,
    at,
    cancel,
    capture,
    check,
    create,
    declined,
    deferred,
    notice,
    refund,
    rejected,
    unknown,
)
from tests.models.story import Story, given

ENDS_S = 7 * DAY_S
A_WEEK = Policy(abandon_after_s=7 * DAY_S)


def waiting(*more: Command, policy: Policy = policies.DEFAULT) -> Story:
    """For the customer, since the start."""
    return given(create(), answer(CREATE_CALL, REQUIRES_ACTION), *more, policy=policy)


@pytest.mark.parametrize(
    ("policy", "after_s"), [(policies.DEFAULT, DAY_S), (A_WEEK, 7 * DAY_S), (Policy(abandon_after_s=60), 60)]
)
def test_a_payment_whose_customer_has_left_is_given_up_in_time_and_not_before(
    policy: Policy, after_s: int
) -> None:
    story = waiting(policy=policy).when(check(after_s - 1)).then_nothing()
    story.when(check(after_s)).then(PaymentCancelRequested).opening().settling()
    assert story.history.asked[CANCEL_CALL].ask == CancelIntent("pi_1", "abandoned")
    assert story.transaction.calls[CANCEL_CALL].command is None
    assert story.payment.status is PaymentStatus.REQUIRES_ACTION
    assert story.payment.next_action is not None
    story.when(check(after_s)).then_nothing()


def test_the_customers_time_counts_from_when_the_step_was_first_told() -> None:
    story = given(create(), answer(CREATE_CALL, REQUIRES_ACTION, after_s=500))
    assert story.transaction.abandon_at == at(500 + DAY_S)
    story.when(notice(REQUIRES_ACTION)).then_nothing()
    assert story.transaction.abandon_at == at(500 + DAY_S)


def test_a_payment_that_was_given_up_is_canceled_by_the_answer() -> None:
    story = waiting(check(DAY_S)).when(answer(CANCEL_CALL, CANCELED, DAY_S)).settling()
    story.then(PaymentCanceled("abandoned", "pi_1", "ch_1"))
    assert story.payment.status is PaymentStatus.CANCELED
    assert story.payment.cancellation_reason == "abandoned"
    assert story.transaction.next_check_at is None


@pytest.mark.parametrize("paid", [notice(CAPTURED), answer(CANCEL_CALL, CAPTURED)])
@pytest.mark.parametrize("before", [[], [unknown(CANCEL_CALL, DAY_S)]])
def test_what_was_paid_meanwhile_is_captured(paid: Command, before: list[Command]) -> None:
    story = waiting(check(DAY_S), *before).when(paid).then(PaymentCaptured, CallEnded).settling()
    assert story.payment.status is PaymentStatus.CAPTURED
    assert story.transaction.next_check_at is None
    story.when(answer(CANCEL_CALL, CAPTURED), rejected(CANCEL_CALL), check(2 * DAY_S)).then_nothing()


def test_what_was_authorized_meanwhile_is_canceled_all_the_same_if_the_provider_says_so() -> None:
    story = waiting(check(DAY_S)).when(notice(AUTHORIZED)).then(PaymentAuthorized)
    story.when(answer(CANCEL_CALL, CANCELED)).then(PaymentCanceled).settling()


def test_a_payment_that_could_not_be_given_up_is_tried_again_a_day_later_under_another_key() -> None:
    story = waiting(check(DAY_S)).when(rejected(CANCEL_CALL)).then(CallEnded).settling()
    assert story.payment.status is PaymentStatus.REQUIRES_ACTION
    story.when(check(2 * DAY_S - 1)).then_nothing()
    story.when(check(2 * DAY_S)).then(PaymentCancelRequested)
    assert list(story.transaction.calls) == [f"{PAYMENT}:cancel:2"]


def test_only_so_many_cancellations_are_tried() -> None:
    story = waiting()
    for n in range(1, CANCELS_MAX + 1):
        assert story.transaction.next_check_at == at(n * DAY_S)
        story.when(check(n * DAY_S)).then(PaymentCancelRequested)
        story.when(rejected(f"{PAYMENT}:cancel:{n}")).then(CallEnded)
    assert story.transaction.next_check_at is None
    story.when(check((CANCELS_MAX + 1) * DAY_S)).then_nothing()


@pytest.mark.parametrize("tried", [unknown(CANCEL_CALL, DAY_S), deferred(CANCEL_CALL, DAY_S)])
def test_a_cancellation_of_our_own_leaves_no_doubt_until_it_was_looked_for_in_vain(tried: Command) -> None:
    story = waiting(check(DAY_S)).when(tried).then(CallDeferred)
    assert story.payment.status is PaymentStatus.REQUIRES_ACTION
    story.when(check(DAY_S + RECHECK_FIRST_S)).then(CallRepeated)
    assert list(story.history.asked) == [CREATE_CALL, CANCEL_CALL]
    story.when(unknown(CANCEL_CALL, DAY_S + KEY_AGE_MAX_S)).then(CallDeferred)
    story.when(unknown(CANCEL_CALL, DAY_S + KEY_AGE_MAX_S + 1)).then(PaymentReviewRequired).settling()
    assert story.transaction.next_check_at is None


@pytest.mark.parametrize("since", [[], [unknown(CANCEL_CALL)], [deferred(CANCEL_CALL)]])
def test_nothing_is_given_up_while_its_merchant_is_canceling_it(since: list[Command]) -> None:
    story = waiting(cancel(), *since)
    assert story.transaction.abandon_at is None
    story.when(check(DAY_S)).then(CallRepeated)
    story.when(answer(CANCEL_CALL, CANCELED)).then(PaymentCanceled).settling("cancel")


@pytest.mark.parametrize(
    "came_to",
    [
        [rejected(CANCEL_CALL)],
        [unknown(CANCEL_CALL), rejected(CANCEL_CALL)],
        [answer(CANCEL_CALL, REQUIRES_ACTION, DAY_S)],
        [unknown(CANCEL_CALL), answer(CANCEL_CALL, REQUIRES_ACTION, DAY_S)],
    ],
)
def test_a_merchants_cancellation_that_came_to_nothing_leaves_the_customer_the_time_there_was(
    came_to: list[Command],
) -> None:
    story = waiting(cancel(), *came_to, policy=A_WEEK)
    assert story.payment.status is PaymentStatus.REQUIRES_ACTION
    assert story.transaction.abandon_at == at(7 * DAY_S)


@pytest.mark.parametrize("shown", [PROCESSING, AUTHORIZED, CAPTURED, CANCELED])
def test_nothing_is_given_up_once_the_customer_has_acted(shown: IntentSnapshot) -> None:
    story = waiting(notice(shown)).when(check(DAY_S))
    assert not any(isinstance(event.data, PaymentCancelRequested) for event in story.events)
    assert story.transaction.abandon_at is None


@pytest.mark.parametrize(
    ("story", "due_s"),
    [
        (given(create()), CALL_LOST_AFTER_S),
        (given(create(), unknown(CREATE_CALL, 5)), 5 + RECHECK_FIRST_S),
        (waiting(), DAY_S),
        (waiting(check(DAY_S)), DAY_S + CALL_LOST_AFTER_S),
        (waiting(check(DAY_S), rejected(CANCEL_CALL)), 2 * DAY_S),
        (waiting(cancel()), CALL_LOST_AFTER_S),
        (given(*HELD), ENDS_S - DAY_S),
        (given(*HELD, capture()), CALL_LOST_AFTER_S),
        (given(*HELD, capture(300, final=False), notice(CAPTURED_IN_PART)), ENDS_S - DAY_S),
        (
            given(*HELD, capture(300, final=False), answer(CAPTURE_CALL, CAPTURED_IN_PART), refund(1)),
            CALL_LOST_AFTER_S,
        ),
        (given(*HELD, check(ENDS_S - DAY_S)), None),
        (given(create(), answer(CREATE_CALL, PROCESSING)), DAY_S),
        (given(create(), answer(CREATE_CALL, CAPTURED)), None),
        (given(create(), declined()), CALL_LOST_AFTER_S),
    ],
)
def test_the_next_check_is_due_when_the_first_of_all_is(story: Story, due_s: float | None) -> None:
    assert story.transaction.next_check_at == (None if due_s is None else at(due_s))
