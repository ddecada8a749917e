"""Stories: the provider tells us unasked, early, late, often, in any order, and after the end."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from models.codes import Code
from models.commands import Command
from models.errors import InvariantBroken
from models.events import (
    CallDeferred,
    CallEnded,
    CommandRefused,
    PaymentAuthorized,
    PaymentCanceled,
    PaymentCaptured,
    PaymentProcessing,
    PaymentReadRequested,
    PaymentReviewRequired,
    RefundSucceeded,
)
from models.payment import PaymentStatus
from models.provider import DisputeStatus, IntentSnapshot, Operation, ReadIntent, RefundStatus, Snapshot
from models.recheck import KEY_AGE_MAX_S
from models.settling import READS_MAX
from models.transaction import Transaction
from tests.fuzzing import examples
from tests.models.laws import History
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
    create,
    create_manual,
    declined,
    deferred,
    disputed,
    notice,
    refund,
    refund_call,
    refunded,
    rejected,
    unknown,
)
from tests.models.story import given

SECOND_READ = f"{PAYMENT}:read:2"


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
    story = given(create(), end).when(notice(CAPTURED)).then(PaymentReadRequested).settling()
    story.when(answer(READ_CALL, CAPTURED))
    assert story.events[0].data.__class__ is PaymentReviewRequired
    assert story.payment.status is PaymentStatus.MANUAL_REVIEW
    for more in (notice(CAPTURED), notice(CANCELED), notice(FAILED), notice(AUTHORIZED)):
        story.when(more).then_nothing()


@pytest.mark.parametrize("end", [declined(), answer(CREATE_CALL, CANCELED)])
def test_after_the_end_a_notice_without_money_is_nothing(end: Command) -> None:
    given(create(), end).when(notice(REQUIRES_ACTION), notice(FAILED), notice(CANCELED)).then_nothing()


def test_after_a_cancellation_an_old_authorization_is_looked_at_and_nothing() -> None:
    story = given(create(), answer(CREATE_CALL, CANCELED)).when(notice(AUTHORIZED)).then(PaymentReadRequested)
    story.when(answer(READ_CALL, CANCELED)).then(CallEnded)
    assert story.payment.status is PaymentStatus.CANCELED


def test_money_held_after_a_decline_is_looked_at_and_a_persons_unless_it_is_released() -> None:
    story = given(create(), declined()).when(notice(AUTHORIZED)).then(PaymentReadRequested)
    released = given(create(), declined(), notice(AUTHORIZED)).when(answer(READ_CALL, CANCELED))
    released.then(CallEnded)
    story.when(answer(READ_CALL, AUTHORIZED)).then(PaymentReviewRequired, CallEnded)
    story.when(notice(AUTHORIZED), notice(REQUIRES_ACTION)).then_nothing()
    story.when(capture()).then_refused(Code.PAYMENT_STATE_CONFLICT)
    story.when(answer(CANCEL_CALL, CANCELED)).then(PaymentCanceled)


def test_a_capture_in_part_seen_before_its_authorization_has_both_amounts() -> None:
    story = given(create()).when(notice(CAPTURED_IN_PART)).then(PaymentReadRequested)
    story.when(answer(READ_CALL, CAPTURED_IN_PART)).then(PaymentAuthorized, PaymentCaptured, CallEnded)
    story.settling("create")
    assert (story.payment.amount_authorized_minor, story.payment.amount_captured_minor) == (1000, 300)


def test_a_cancellation_tells_the_intent_of_a_payment_whose_answer_was_lost() -> None:
    story = (
        given(create(), unknown(CREATE_CALL)).when(notice(CANCELED)).then(PaymentCanceled).settling("create")
    )
    assert story.payment.intent == "pi_1"


@pytest.mark.parametrize(
    "lie",
    [
        replace(CAPTURED, intent="pi_2"),
        replace(disputed(DisputeStatus.NEEDS_RESPONSE), intent="pi_2"),
        refunded(RefundStatus.SUCCEEDED, n=7),
    ],
)
def test_a_notice_about_something_else_is_a_lie_and_changes_nothing(lie: Snapshot) -> None:
    story = given(create(), answer(CREATE_CALL, AUTHORIZED))
    before = story.transaction
    with pytest.raises(InvariantBroken):
        story.when(notice(lie))
    assert story.transaction == before


@pytest.mark.parametrize(
    "odd",
    [
        replace(CAPTURED, amount_minor=999),
        replace(CAPTURED, currency="eur"),
        replace(CAPTURED, amount_captured_minor=1001),
        replace(CAPTURED, amount_captured_minor=0),
        replace(CAPTURED_IN_PART, amount_capturable_minor=701),
    ],
)
def test_a_notice_that_contradicts_makes_a_look_and_what_that_shows_counts(odd: IntentSnapshot) -> None:
    story = given(create(), answer(CREATE_CALL, AUTHORIZED)).when(notice(odd)).then(PaymentReadRequested)
    assert story.history.asked[READ_CALL].ask == ReadIntent("pi_1")
    assert story.payment.status is PaymentStatus.AUTHORIZED
    story.when(answer(READ_CALL, CAPTURED)).then(PaymentCaptured, CallEnded).settling()
    still_odd = given(create(), answer(CREATE_CALL, AUTHORIZED), notice(odd)).when(answer(READ_CALL, odd))
    still_odd.then(PaymentReviewRequired, CallEnded)
    captured = given(create(), answer(CREATE_CALL, CAPTURED), notice(replace(CAPTURED, amount_minor=1)))
    captured.when(answer(READ_CALL, replace(CAPTURED, amount_minor=1))).then(CallEnded)


def test_a_later_contradiction_makes_a_later_look_and_the_earlier_ones_answer_no_other() -> None:
    odd = replace(CAPTURED, amount_minor=999)
    story = given(create(), answer(CREATE_CALL, AUTHORIZED), notice(odd)).when(notice(odd))
    story.then(PaymentReadRequested)
    assert list(story.transaction.calls) == [SECOND_READ]
    story.when(answer(READ_CALL, AUTHORIZED)).then_nothing()
    story.when(answer(SECOND_READ, CANCELED)).then(PaymentCanceled, CallEnded)


def test_a_look_that_came_to_nothing_is_tried_again_and_never_leaves_doubt() -> None:
    story = given(create(), answer(CREATE_CALL, AUTHORIZED), notice(replace(CAPTURED, amount_minor=999)))
    for failed in (unknown(READ_CALL), deferred(READ_CALL), unknown(READ_CALL, 2 * KEY_AGE_MAX_S)):
        story.when(failed).then(CallDeferred)
    story.when(rejected(READ_CALL)).then(CallEnded)
    assert story.payment.status is PaymentStatus.AUTHORIZED


def test_looks_are_limited() -> None:
    story = given(create(), answer(CREATE_CALL, AUTHORIZED))
    for _ in range(READS_MAX):
        story.when(notice(CANCELED_AFTER_300)).then(PaymentReadRequested)
    story.when(notice(CANCELED_AFTER_300)).then_nothing()


def test_a_look_while_a_capture_is_in_doubt_does_not_end_the_doubt() -> None:
    story = given(create_manual(), answer(CREATE_CALL, AUTHORIZED), capture(), unknown(CAPTURE_CALL))
    story.when(notice(replace(CAPTURED, amount_minor=999))).then(PaymentReadRequested)
    story.when(answer(READ_CALL, AUTHORIZED)).then(CallEnded)
    assert story.payment.status is PaymentStatus.UNKNOWN
    story.when(answer(CAPTURE_CALL, CAPTURED)).then(PaymentCaptured).settling("capture")


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
    ((create(), answer(CREATE_CALL, REQUIRES_ACTION)), (FAILED, PROCESSING, CAPTURED)),
    ((create(), answer(CREATE_CALL, REQUIRES_ACTION)), (FAILED, AUTHORIZED, CANCELED)),
    ((create(), answer(CREATE_CALL, PROCESSING)), (FAILED, CAPTURED)),
)
"""What was done, and the truth at the provider from then on, step by step; each step sends a notice."""


@for_all(path=st.sampled_from(PATHS), data=st.data())
@examples(300)
def test_the_same_notices_in_any_order_and_number_end_in_the_same_state(
    path: tuple[tuple[Command, ...], tuple[IntentSnapshot, ...]], data: st.DataObject
) -> None:
    """Holds for a truth that ends once; an attempt that failed is no end, once the customer can make another."""
    known, truth = path
    heard = data.draw(st.permutations([*truth, *data.draw(st.lists(st.sampled_from(truth), max_size=6))]))
    assert essence(known, heard, truth[-1]) == essence(known, list(truth), truth[-1])


@pytest.mark.parametrize("path", PATHS)
def test_every_order_of_each_notice_once_ends_in_the_same_state(
    path: tuple[tuple[Command, ...], tuple[IntentSnapshot, ...]],
) -> None:
    known, truth = path
    expected = essence(known, list(truth), truth[-1])
    assert all(essence(known, list(heard), truth[-1]) == expected for heard in permutations(truth))


@for_all(data=st.data())
@examples(200)
def test_a_refunds_notices_in_any_order_and_number_end_in_the_same_state(data: st.DataObject) -> None:
    known = (create(), answer(CREATE_CALL, CAPTURED), refund())
    ends = [[RefundStatus.SUCCEEDED], [RefundStatus.SUCCEEDED, RefundStatus.FAILED], [RefundStatus.FAILED]]
    ends.append([RefundStatus.CANCELED])
    truth = [refunded(status) for status in (RefundStatus.PENDING, *data.draw(st.sampled_from(ends)))]
    heard = data.draw(st.permutations([*truth, *data.draw(st.lists(st.sampled_from(truth), max_size=5))]))
    assert essence(known, heard, truth[-1]) == essence(known, truth, truth[-1])


def look(history: History, truth: Snapshot) -> None:
    """Answer whoever looks with the truth."""
    while history.transaction and (call := is_looking(history.transaction)):
        history.say(answer(call, truth))


def is_looking(transaction: Transaction) -> str | None:
    return next(
        (key for key, call in transaction.calls.items() if call.call.operation is Operation.READ), None
    )


def essence(known: tuple[Command, ...], heard: Sequence[Snapshot], truth: Snapshot) -> dict[str, object]:
    """All that a reader can see of the end, but for what depends on the way there.

    Which is: the number and time of the steps; the charge of a payment that was declined and what had been authorised of
    one that was canceled, since a notice of the end does not tell; and until when, which is of no use by then.
    """
    history = History()
    for command in known:
        history.say(command)
    for seen in heard:
        history.say(notice(seen))
    look(history, truth)
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
