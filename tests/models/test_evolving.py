"""What `evolve` never applies, whoever says it: a gap, an event twice, a move that is in no table, money from nowhere."""

from dataclasses import replace

import pytest

from models.errors import InvariantBroken
from models.events import (
    DisputeClosed,
    DisputeOpened,
    DisputeUpdated,
    EventData,
    PaymentAuthorized,
    PaymentCaptured,
    RefundSucceeded,
)
from models.provider import DisputeStatus
from models.transaction import evolve
from tests.models.samples import CAPTURED, CREATE_CALL, answer, create, disputed, notice, refund_name
from tests.models.story import Story, given

_D = DisputeStatus


def captured() -> Story:
    return given(create(), answer(CREATE_CALL, CAPTURED))


@pytest.mark.parametrize("ahead", [0, 2])
def test_an_event_out_of_its_turn_is_not_applied(ahead: int) -> None:
    story = given(create())
    data = PaymentCaptured("pi_1", "ch_1", 1000, True)
    assert evolve(story.transaction, story.next_event(data))
    with pytest.raises(InvariantBroken):
        evolve(story.transaction, story.next_event(data, ahead))


def test_a_story_begins_with_its_first_event() -> None:
    with pytest.raises(InvariantBroken):
        evolve(None, captured().history.events[1])


@pytest.mark.parametrize(
    "data",
    [PaymentAuthorized("pi_1", "ch_1", 1000, None), RefundSucceeded(refund_name(), "re_at_stripe")],
)
def test_a_move_that_is_in_no_table_is_not_applied(data: EventData) -> None:
    story = captured()
    with pytest.raises(InvariantBroken):
        evolve(story.transaction, story.next_event(data))


def test_more_captured_than_was_asked_for_is_not_applied() -> None:
    story = given(create())
    with pytest.raises(InvariantBroken):
        evolve(story.transaction, story.next_event(PaymentCaptured("pi_1", "ch_1", 1001, True)))


def opened(status: DisputeStatus) -> DisputeOpened:
    return DisputeOpened("du_1", status, 1000, "usd", None, None, True, False, False)


def updated(status: DisputeStatus) -> DisputeUpdated:
    return DisputeUpdated("du_1", status, 1000, None, True, False, False)


def closed(status: DisputeStatus) -> DisputeClosed:
    return DisputeClosed("du_1", status, 1000, True, False, False)


@pytest.mark.parametrize(
    ("known", "data"),
    [
        (None, updated(_D.NEEDS_RESPONSE)),
        (None, closed(_D.LOST)),
        (_D.NEEDS_RESPONSE, opened(_D.NEEDS_RESPONSE)),
        (_D.NEEDS_RESPONSE, updated(_D.WARNING_NEEDS_RESPONSE)),
        (_D.NEEDS_RESPONSE, closed(_D.WARNING_CLOSED)),
        (_D.WON, closed(_D.LOST)),
        (_D.LOST, updated(_D.NEEDS_RESPONSE)),
        (_D.WARNING_CLOSED, updated(_D.NEEDS_RESPONSE)),
    ],
)
def test_a_move_of_a_dispute_that_is_in_no_table_is_not_applied(
    known: DisputeStatus | None, data: EventData
) -> None:
    story = captured()
    if known:
        story.when(notice(disputed(known)))
    with pytest.raises(InvariantBroken):
        evolve(story.transaction, story.next_event(data))


def test_a_dispute_of_no_payment_is_not_applied() -> None:
    event = captured().next_event(opened(_D.NEEDS_RESPONSE))
    with pytest.raises(InvariantBroken):
        evolve(None, replace(event, sequence=1))
