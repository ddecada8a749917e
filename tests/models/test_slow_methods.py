"""Stories: a method that takes days, and nobody says how it ended."""

import pytest

from models.commands import Command
from models.events import (
    CallDeferred,
    CallEnded,
    CallRepeated,
    PaymentCaptured,
    PaymentDeclined,
    PaymentProcessing,
    PaymentReadRequested,
)
from models.payment import PaymentStatus
from models.provider import ReadIntent
from models.recheck import LOOKED_AGAIN_S, RECHECK_FIRST_S
from tests.models.samples import (
    CANCEL_CALL,
    CAPTURED,
    CREATE_CALL,
    FAILED,
    PAYMENT,
    PROCESSING,
    READ_CALL,
    REQUIRES_ACTION,
    answer,
    at,
    cancel,
    check,
    create,
    deferred,
    notice,
    rejected,
    unknown,
)
from tests.models.story import Story, given

DEBITED = (create(), answer(CREATE_CALL, PROCESSING))


def looked(*more: Command) -> Story:
    """A day after the bank was asked."""
    return given(*DEBITED, check(LOOKED_AGAIN_S), *more)


def test_a_slow_payment_is_looked_at_after_a_day_and_not_before() -> None:
    story = given(*DEBITED).when(check(LOOKED_AGAIN_S - 1)).then_nothing()
    story.when(check(LOOKED_AGAIN_S)).then(PaymentReadRequested).opening().settling()
    assert story.history.asked[READ_CALL].ask == ReadIntent("pi_1")
    story.when(check(LOOKED_AGAIN_S + 1)).then_nothing()


def test_the_end_that_a_look_shows_is_the_payments() -> None:
    looked().when(answer(READ_CALL, CAPTURED, LOOKED_AGAIN_S)).then(PaymentCaptured, CallEnded)
    looked().when(answer(READ_CALL, FAILED, LOOKED_AGAIN_S)).then(PaymentDeclined, CallEnded)


@pytest.mark.parametrize("came_to", [answer(READ_CALL, PROCESSING), rejected(READ_CALL)])
def test_a_look_that_shows_no_end_says_no_more_than_that_and_the_next_is_a_day_later(
    came_to: Command,
) -> None:
    story = looked().when(came_to).then(CallEnded)
    for day in (2, 3, 4):
        assert story.transaction.next_check_at == at(day * LOOKED_AGAIN_S)
        story.when(check(day * LOOKED_AGAIN_S - 1)).then_nothing()
        story.when(check(day * LOOKED_AGAIN_S)).then(PaymentReadRequested)
        story.when(answer(f"{PAYMENT}:read:{day}", PROCESSING, day * LOOKED_AGAIN_S)).then(CallEnded)
    assert story.payment.status is PaymentStatus.PROCESSING


@pytest.mark.parametrize("failed", [unknown(READ_CALL, LOOKED_AGAIN_S), deferred(READ_CALL, LOOKED_AGAIN_S)])
def test_a_look_that_came_to_nothing_is_repeated_and_no_second_one_made(failed: Command) -> None:
    story = looked().when(failed).then(CallDeferred)
    story.when(check(LOOKED_AGAIN_S + RECHECK_FIRST_S)).then(CallRepeated)
    assert list(story.transaction.calls) == [READ_CALL]


def test_a_day_counts_from_the_payments_last_step() -> None:
    story = given(create(), answer(CREATE_CALL, REQUIRES_ACTION), check(500)).when(notice(PROCESSING))
    story.then(PaymentProcessing)
    assert story.transaction.next_check_at == at(LOOKED_AGAIN_S)
    story = given(*DEBITED, cancel(), answer(CANCEL_CALL, PROCESSING, 500))
    assert story.transaction.next_check_at == at(500 + LOOKED_AGAIN_S)


def test_nobody_looks_while_something_is_under_way() -> None:
    story = given(*DEBITED, cancel())
    assert story.transaction.look_at is None
    story.when(check(LOOKED_AGAIN_S)).then(CallRepeated)
