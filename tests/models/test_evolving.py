"""What `evolve` never applies, whoever says it: a gap, an event twice, a move that is in no table, money from nowhere."""

from dataclasses import replace

import pytest

from models.errors import InvariantBroken
from models.events import Event, EventData, PaymentAuthorized, PaymentCaptured, RefundSucceeded
from models.transaction import evolve
from tests.models.samples import CAPTURED, CREATE_CALL, answer, create, refund_name
from tests.models.story import Story, given


def captured() -> Story:
    return given(create(), answer(CREATE_CALL, CAPTURED))


def after(story: Story, data: EventData, ahead: int = 1) -> Event:
    last = story.history.events[-1]
    return replace(last, sequence=last.sequence + ahead, data=data, opens=None, settles=None)


@pytest.mark.parametrize("ahead", [0, 2])
def test_an_event_out_of_its_turn_is_not_applied(ahead: int) -> None:
    story = given(create())
    data = PaymentCaptured("pi_1", "ch_1", 1000, True)
    assert evolve(story.transaction, after(story, data))
    with pytest.raises(InvariantBroken):
        evolve(story.transaction, after(story, data, ahead))


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
        evolve(story.transaction, after(story, data))


def test_more_captured_than_was_asked_for_is_not_applied() -> None:
    story = given(create())
    with pytest.raises(InvariantBroken):
        evolve(story.transaction, after(story, PaymentCaptured("pi_1", "ch_1", 1001, True)))
