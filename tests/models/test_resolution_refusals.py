"""Stories: a person says what cannot have been, or of what nobody doubts; or somebody says it who may not."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from models.codes import Code
from models.commands import Command, ResolvePayment
from models.events import CallEnded, CommandRefused, PaymentAuthorized, PaymentReviewRequired, ReviewResolved
from models.payment import PaymentStatus
from models.provider import IntentSnapshot
from models.recheck import KEY_AGE_MAX_S
from tests.models.samples import (
    AUTHORIZED,
    CAPTURE_CALL,
    CAPTURED,
    CAPTURED_IN_PART,
    CREATE_CALL,
    HELD,
    LOST,
    PAYMENT,
    PROCESSING,
    READ_CALL,
    REFUND_LOST,
    REQUIRES_ACTION,
    STRANGER,
    answer,
    capture,
    create,
    create_manual,
    notice,
    origin,
    refund,
    refund_name,
    resolve,
    unknown,
)
from tests.models.story import given

RE_1 = refund_name()
LESS = (
    *HELD,
    capture(300, final=False),
    answer(CAPTURE_CALL, CAPTURED_IN_PART),
    capture(id="rest"),
    unknown(f"{PAYMENT}:capture:2"),
)
"""300 of it were captured; of the rest nobody knows."""
CAPTURE_LOST = (*HELD, capture(300), unknown(CAPTURE_CALL))
PART = (
    create_manual(),
    answer(CREATE_CALL, replace(AUTHORIZED, amount_capturable_minor=700)),
    capture(),
    unknown(CAPTURE_CALL),
)
"""No more than 700 of it were authorised."""


@pytest.mark.parametrize("shown", [PROCESSING, REQUIRES_ACTION, AUTHORIZED, CAPTURED])
def test_what_nobody_doubts_is_not_resolved(shown: IntentSnapshot) -> None:
    story = given(create_manual(), answer(CREATE_CALL, shown))
    story.when(resolve("captured")).then_refused(Code.PAYMENT_STATE_CONFLICT, "resolve", "is_in_doubt")
    sure = given(create(), answer(CREATE_CALL, CAPTURED), refund(600))
    sure.when(resolve("failed", RE_1)).then_refused(Code.PAYMENT_STATE_CONFLICT, "resolve", "is_in_doubt")


NOT_MADE, NO_INTENT, NO_AMOUNT = (
    "resolution_is_possible",
    "resolution_names_the_intent",
    "resolved_amount_is_possible",
)


@pytest.mark.parametrize(
    ("known", "said", "rule"),
    [
        (LOST, resolve("succeeded"), NOT_MADE),
        (LOST, resolve("nonsense"), NOT_MADE),
        (REFUND_LOST, resolve("captured", RE_1), NOT_MADE),
        (LOST, resolve("captured", intent=None), NO_INTENT),
        (LOST, resolve("authorized", intent=None), NO_INTENT),
        (LESS, resolve("captured", intent="pi_2"), NO_INTENT),
        (LOST, resolve("captured", amount_minor=0), NO_AMOUNT),
        (LOST, resolve("captured", amount_minor=1001), NO_AMOUNT),
        (LOST, resolve("authorized", amount_minor=0), NO_AMOUNT),
        (LOST, resolve("authorized", amount_minor=1001), NO_AMOUNT),
        (LESS, resolve("captured", amount_minor=299), NO_AMOUNT),
        (LESS, resolve("authorized", amount_minor=299), NO_AMOUNT),
        (LESS, resolve("canceled"), NO_AMOUNT),
        (LESS, resolve("declined"), NO_AMOUNT),
        (PART, resolve("captured", amount_minor=701), NO_AMOUNT),
    ],
)
def test_what_cannot_have_been_is_refused_and_changes_nothing(
    known: tuple[Command, ...], said: ResolvePayment, rule: str
) -> None:
    story = given(*known)
    before = story.transaction
    story.when(said).then_refused(Code.RESOLUTION_INVALID, "resolve", rule)
    assert (story.payment, story.transaction.refunds) == (before.payment, before.refunds)
    assert story.transaction.calls == before.calls


@pytest.mark.parametrize("after_s", [0, KEY_AGE_MAX_S])
@pytest.mark.parametrize(
    ("known", "said"),
    [
        (LOST, partial(resolve, "declined", intent=None)),
        (LOST, partial(resolve, "canceled", intent=None)),
        (REFUND_LOST, partial(resolve, "failed", RE_1)),
        (REFUND_LOST, partial(resolve, "canceled", RE_1)),
        (CAPTURE_LOST, partial(resolve, "authorized")),
        (CAPTURE_LOST, partial(resolve, "declined")),
        (CAPTURE_LOST, partial(resolve, "captured", amount_minor=299)),
    ],
)
def test_that_nothing_was_made_is_not_believed_while_it_may_still_be(
    known: tuple[Command, ...], said: Callable[..., ResolvePayment], after_s: int
) -> None:
    """A gateway that had slept sends it then, and the merchant has asked for the same money again: it moves twice."""
    story = given(*known).when(said(after_s=after_s))
    story.then_refused(Code.PAYMENT_STATE_CONFLICT, "resolve", "nothing_may_still_be_made")
    story.when(said(id="later", after_s=KEY_AGE_MAX_S + 1))
    assert isinstance(story.events[0].data, ReviewResolved)


ANOTHERS = replace(AUTHORIZED, amount_minor=1500)
"""What cannot be: it is about another amount than was asked for."""


@pytest.mark.parametrize(
    ("known", "call", "said"),
    [
        (LOST, CREATE_CALL, partial(resolve, "declined", intent=None)),
        (
            (*HELD, capture(300, final=False), unknown(CAPTURE_CALL)),
            CAPTURE_CALL,
            partial(resolve, "authorized"),
        ),
    ],
)
def test_a_look_that_contradicts_gives_up_no_call_that_may_still_be_made(
    known: tuple[Command, ...], call: str, said: Callable[..., ResolvePayment]
) -> None:
    """Given up, it would be a person's, whose word is held against calls that are open."""
    story = given(*known, notice(ANOTHERS)).when(answer(READ_CALL, ANOTHERS)).then(CallEnded)
    assert list(story.transaction.calls) == [call]
    story.when(said(after_s=180)).then_refused(
        Code.PAYMENT_STATE_CONFLICT, "resolve", "nothing_may_still_be_made"
    )
    story.when(unknown(call, KEY_AGE_MAX_S + 1)).then(PaymentReviewRequired)
    story.when(said(id="later", after_s=KEY_AGE_MAX_S + 2))
    assert isinstance(story.events[0].data, ReviewResolved)


def test_of_what_does_not_exist_nothing_is_resolved() -> None:
    given().when(resolve("captured")).then_refused(Code.NOT_FOUND, "resolve", "payment_exists")
    other = given(*REFUND_LOST).when(resolve("failed", refund_name(2)))
    other.then_refused(Code.NOT_FOUND, "resolve", "is_in_doubt")


def test_a_stranger_resolves_nothing() -> None:
    theirs = replace(resolve("captured"), origin=origin("resolve", STRANGER))
    given(*LOST).when(theirs).then_refused(Code.NOT_FOUND).settling("resolve")


def test_the_same_word_again_is_nothing_and_another_under_its_id_is_refused() -> None:
    said = partial(resolve, after_s=KEY_AGE_MAX_S + 1)
    story = given(*HELD, capture(), unknown(CAPTURE_CALL)).when(said("authorized"))
    story.then(ReviewResolved, PaymentAuthorized, CommandRefused)
    story.when(said("authorized")).then_nothing()
    story.when(said("captured")).then_refused(Code.IDEMPOTENCY_KEY_REUSED, "resolve")
    assert story.payment.status is PaymentStatus.AUTHORIZED
