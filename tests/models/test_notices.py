"""Stories: the provider tells us unasked, early, late, often, in any order, and after the end."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from models.commands import Command
from models.errors import InvariantBroken
from models.events import (
    CommandRefused,
    PaymentAuthorized,
    PaymentCanceled,
    PaymentCaptured,
    PaymentProcessing,
    PaymentReviewRequired,
    RefundSucceeded,
)
from models.payment import PaymentStatus
from models.provider import IntentSnapshot, RefundStatus, Snapshot
from tests.models.fuzzing import examples
from tests.models.laws import History
from tests.models.samples import (
    AUTHORIZED,
    CANCELED,
    CANCELED_AFTER_300,
    CAPTURED,
    CAPTURED_300,
    CAPTURED_IN_PART,
    CREATE_CALL,
    FAILED,
    PROCESSING,
    REQUIRES_ACTION,
    answer,
    cancel,
    capture,
    create,
    declined,
    notice,
    refund,
    refund_call,
    refunded,
    unknown,
)
from tests.models.story import given


def test_a_notice_before_the_answer_settles_the_command_and_the_answer_changes_nothing() -> None:
    story = given(create()).when(notice(CAPTURED)).then(PaymentCaptured).settling("create")
    story.when(answer(CREATE_CALL, CAPTURED)).then_nothing()


def test_a_refunds_notice_before_the_answer_settles_its_command() -> None:
    story = given(create(), answer(CREATE_CALL, CAPTURED), refund())
    story.when(notice(refunded(RefundStatus.SUCCEEDED))).then(RefundSucceeded).settling("refund-1")
    story.when(answer(refund_call(), refunded(RefundStatus.SUCCEEDED))).then_nothing()


def test_a_notice_three_times_counts_once() -> None:
    twin = replace(notice(CAPTURED), notice_id="evt_twin")
    given(create()).when(notice(CAPTURED, "evt_1"), notice(CAPTURED, "evt_1"), twin).then(PaymentCaptured)


def test_an_old_notice_does_not_take_a_payment_back() -> None:
    story = given(create(), answer(CREATE_CALL, CAPTURED))
    for old in (REQUIRES_ACTION, PROCESSING, AUTHORIZED):
        story.when(notice(old)).then_nothing()


def test_the_customers_step_is_over_once_the_payment_is_processing() -> None:
    story = (
        given(create(), answer(CREATE_CALL, REQUIRES_ACTION)).when(notice(PROCESSING)).then(PaymentProcessing)
    )
    story.when(notice(REQUIRES_ACTION), notice(PROCESSING)).then_nothing()
    assert story.payment.status is PaymentStatus.PROCESSING


@pytest.mark.parametrize("end", [declined(), answer(CREATE_CALL, CANCELED)])
def test_money_that_moved_after_the_end_is_for_a_person_and_stays_so(end: Command) -> None:
    story = given(create(), end).when(notice(CAPTURED)).then(PaymentReviewRequired).settling()
    assert story.payment.status is PaymentStatus.MANUAL_REVIEW
    for more in (notice(CAPTURED), notice(CANCELED), notice(FAILED), notice(AUTHORIZED)):
        story.when(more).then_nothing()


@pytest.mark.parametrize("end", [declined(), answer(CREATE_CALL, CANCELED)])
def test_after_the_end_a_notice_without_money_is_nothing(end: Command) -> None:
    given(create(), end).when(notice(AUTHORIZED), notice(FAILED), notice(CANCELED)).then_nothing()


def test_a_capture_in_part_seen_before_its_authorization_has_both_amounts() -> None:
    story = (
        given(create())
        .when(notice(CAPTURED_IN_PART))
        .then(PaymentAuthorized, PaymentCaptured)
        .settling("create")
    )
    assert (story.payment.amount_authorized_minor, story.payment.amount_captured_minor) == (1000, 300)


def test_a_cancellation_tells_the_intent_of_a_payment_whose_answer_was_lost() -> None:
    story = (
        given(create(), unknown(CREATE_CALL)).when(notice(CANCELED)).then(PaymentCanceled).settling("create")
    )
    assert story.payment.intent == "pi_1"


@pytest.mark.parametrize(
    "lie",
    [
        replace(CAPTURED, amount_minor=999),
        replace(CAPTURED, currency="eur"),
        replace(CAPTURED, intent="pi_2"),
        replace(CAPTURED, amount_captured_minor=1001),
        replace(CAPTURED, amount_captured_minor=0),
        replace(CAPTURED_IN_PART, amount_capturable_minor=701),
        refunded(RefundStatus.SUCCEEDED, n=7),
    ],
)
def test_a_notice_about_something_else_is_a_lie_and_changes_nothing(lie: Snapshot) -> None:
    story = given(create(), answer(CREATE_CALL, AUTHORIZED))
    before = story.transaction
    with pytest.raises(InvariantBroken):
        story.when(notice(lie))
    assert story.transaction == before


def test_a_notice_about_a_payment_we_never_made_is_a_lie() -> None:
    with pytest.raises(InvariantBroken):
        given().when(notice(CAPTURED))


PATHS: tuple[tuple[tuple[Command, ...], tuple[IntentSnapshot, ...]], ...] = (
    ((create(),), (REQUIRES_ACTION, PROCESSING, AUTHORIZED, CAPTURED_IN_PART, CAPTURED)),
    ((create(),), (REQUIRES_ACTION, PROCESSING, AUTHORIZED, CAPTURED_IN_PART, CANCELED_AFTER_300)),
    ((create(),), (REQUIRES_ACTION, AUTHORIZED, CAPTURED_300)),
    ((create(),), (REQUIRES_ACTION, PROCESSING, FAILED)),
    ((create(),), (REQUIRES_ACTION, PROCESSING)),
    ((create(),), (REQUIRES_ACTION, AUTHORIZED, CANCELED)),
    ((create(), unknown(CREATE_CALL)), (PROCESSING, AUTHORIZED)),
    ((create(), unknown(CREATE_CALL)), (REQUIRES_ACTION, CANCELED)),
    ((create(), notice(AUTHORIZED), capture(300, final=False)), (AUTHORIZED, CAPTURED_IN_PART, CAPTURED)),
    (
        (create(), notice(AUTHORIZED), capture(300, final=False)),
        (AUTHORIZED, CAPTURED_IN_PART, CANCELED_AFTER_300),
    ),
    ((create(), notice(AUTHORIZED), capture(300)), (AUTHORIZED, CANCELED)),
    ((create(), notice(AUTHORIZED), cancel()), (AUTHORIZED, CAPTURED)),
    ((create(), notice(REQUIRES_ACTION), cancel()), (REQUIRES_ACTION, AUTHORIZED, CANCELED)),
    ((create(), notice(REQUIRES_ACTION), cancel()), (REQUIRES_ACTION, FAILED)),
)
"""What was done, and the truth at the provider from then on, step by step; each step sends a notice."""


@for_all(path=st.sampled_from(PATHS), data=st.data())
@examples(300)
def test_the_same_notices_in_any_order_and_number_end_in_the_same_state(
    path: tuple[tuple[Command, ...], tuple[IntentSnapshot, ...]], data: st.DataObject
) -> None:
    """Holds for a truth that ends once. A failed intent that is used again passes through two ends: not this law's."""
    known, truth = path
    heard = data.draw(st.permutations([*truth, *data.draw(st.lists(st.sampled_from(truth), max_size=6))]))
    assert essence(known, heard) == essence(known, list(truth))


@pytest.mark.parametrize("path", PATHS)
def test_every_order_of_each_notice_once_ends_in_the_same_state(
    path: tuple[tuple[Command, ...], tuple[IntentSnapshot, ...]],
) -> None:
    known, truth = path
    expected = essence(known, list(truth))
    assert all(essence(known, list(heard)) == expected for heard in permutations(truth))


@for_all(data=st.data())
@examples(200)
def test_a_refunds_notices_in_any_order_and_number_end_in_the_same_state(data: st.DataObject) -> None:
    known = (create(), answer(CREATE_CALL, CAPTURED), refund())
    ends = [[RefundStatus.SUCCEEDED], [RefundStatus.SUCCEEDED, RefundStatus.FAILED], [RefundStatus.FAILED]]
    ends.append([RefundStatus.CANCELED])
    truth = [refunded(status) for status in (RefundStatus.PENDING, *data.draw(st.sampled_from(ends)))]
    heard = data.draw(st.permutations([*truth, *data.draw(st.lists(st.sampled_from(truth), max_size=5))]))
    assert essence(known, heard) == essence(known, truth)


def essence(known: tuple[Command, ...], heard: Sequence[Snapshot]) -> dict[str, object]:
    """All that a reader can see of the end, but for what depends on the way there.

    Which is: the number and time of the steps; the charge of a payment that was declined and what had been authorised of
    one that was canceled, since a notice of the end does not tell; and until when, which is of no use by then.
    """
    history = History()
    for command in known:
        history.say(command)
    for seen in heard:
        history.say(notice(seen))
    history.check_whole()
    transaction = history.transaction
    assert transaction
    payment = transaction.payment
    assert payment
    declined, canceled = (payment.status is s for s in (PaymentStatus.DECLINED, PaymentStatus.CANCELED))
    return {
        "status": payment.status,
        "captured": payment.amount_captured_minor,
        "authorized": canceled or payment.amount_authorized_minor,
        "intent": payment.intent,
        "charge": declined or payment.charge,
        "next_action": payment.next_action,
        "decline": payment.decline,
        "reason": payment.cancellation_reason,
        "refunds": {
            id: (refund.status, refund.provider_refund, refund.failure_reason)
            for id, refund in transaction.refunds.items()
        },
        "calls": set(transaction.calls),
        "commands": {name: (c.settled, c.code) for name, c in transaction.commands.items()},
        "refused": sum(isinstance(event.data, CommandRefused) for event in history.events),
    }
