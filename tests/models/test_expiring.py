"""Stories: an authorisation will end, and its merchant is told in time to capture."""

from dataclasses import replace

import pytest

from models.commands import Command
from models.events import CallRepeated, PaymentAuthorizationExpiring, PaymentAuthorized
from models.payment import PaymentStatus
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
    answer,
    at,
    cancel,
    capture,
    check,
    create_manual,
    notice,
    rejected,
    unknown,
)
from tests.models.story import given

ENDS_S = 7 * DAY_S
"""When the authorisation of the samples does."""


def test_an_authorization_that_will_end_is_told_of_once_a_day_before() -> None:
    story = given(*HELD).when(check(ENDS_S - DAY_S - 1)).then_nothing()
    story.when(check(ENDS_S - DAY_S)).then(PaymentAuthorizationExpiring(at(ENDS_S))).opening().settling()
    assert story.payment.status is PaymentStatus.AUTHORIZED
    assert (story.payment.amount_capturable_minor, story.payment.authorized_until) == (1000, at(ENDS_S))
    assert story.transaction.next_check_at is None
    story.when(check(ENDS_S - DAY_S), check(ENDS_S), check(ENDS_S + 1), notice(AUTHORIZED)).then_nothing()
    story.when(capture()).opening("capture")


def test_an_authorization_that_ends_within_a_day_is_told_of_at_once() -> None:
    story = given(create_manual(), answer(CREATE_CALL, replace(AUTHORIZED, authorized_until=at(3600))))
    story.when(check(0)).then(PaymentAuthorizationExpiring(at(3600)))


def test_an_authorization_whose_end_is_not_known_is_not_told_of() -> None:
    story = given(create_manual(), answer(CREATE_CALL, replace(AUTHORIZED, authorized_until=None)))
    assert story.transaction.next_check_at is None
    story.when(check(ENDS_S)).then_nothing()


def test_when_it_ends_is_learned_from_the_answer_though_a_notice_that_does_not_say_came_before() -> None:
    quick = notice(replace(AUTHORIZED, authorized_until=None))
    story = given(create_manual(), quick)
    assert (story.payment.status, story.payment.authorized_until) == (PaymentStatus.AUTHORIZED, None)
    story.when(answer(CREATE_CALL, AUTHORIZED)).then(PaymentAuthorized).settling()
    assert (story.payment.amount_capturable_minor, story.payment.authorized_until) == (1000, at(ENDS_S))
    story.when(answer(CREATE_CALL, AUTHORIZED), quick).then_nothing()
    story.when(check(ENDS_S - DAY_S)).then(PaymentAuthorizationExpiring(at(ENDS_S)))


@pytest.mark.parametrize(
    "end", [[capture(), answer(CAPTURE_CALL, CAPTURED)], [cancel(), answer(CANCEL_CALL, CANCELED)]]
)
def test_nobody_is_told_of_the_end_of_what_was_captured_or_canceled(end: list[Command]) -> None:
    story = given(*HELD, *end).when(check(ENDS_S - DAY_S)).then_nothing()
    assert story.transaction.expiry_told_at is None


def test_the_end_of_what_is_left_after_a_capture_in_part_is_told_of() -> None:
    story = given(*HELD, capture(300, final=False), answer(CAPTURE_CALL, CAPTURED_IN_PART))
    story.when(check(ENDS_S - DAY_S)).then(PaymentAuthorizationExpiring)


def test_while_a_capture_is_in_doubt_nothing_is_told_and_afterwards_it_is() -> None:
    story = given(*HELD, capture(), unknown(CAPTURE_CALL)).when(check(ENDS_S - DAY_S)).then(CallRepeated)
    story.when(rejected(CAPTURE_CALL)).settling("capture")
    story.when(check(ENDS_S - DAY_S)).then(PaymentAuthorizationExpiring)
