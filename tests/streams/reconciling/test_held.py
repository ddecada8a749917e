"""When a difference counts: it must have been seen twice in a row."""

from streams.reconciling.comparing import EVENTS, POSTGRES, TABLE, Difference
from streams.reconciling.held import Held, Look
from streams.reconciling.stories import Story

STORY = Story("mer_1", 1)


def test_what_only_one_look_found_does_not_count_and_what_stood_is_told_as_it_was_seen_last() -> None:
    held = Held()
    held.hold("pay_1", Look({POSTGRES: {"sequence": (5, 3)}}), STORY)
    held.seen_again("pay_1", Look({POSTGRES: {"sequence": (6, 3), "status": ("captured", "declined")}}))
    assert held.differences() == [
        Difference("pay_1", "mer_1", "sequence", {EVENTS: 6, POSTGRES: 3}),
    ]


def test_what_is_right_again_is_held_no_longer() -> None:
    held = Held()
    held.hold("pay_1", Look({POSTGRES: {"sequence": (5, 3)}}), STORY)
    held.seen_again("pay_1", Look({POSTGRES: {}}))
    assert (held.looks, held.differences()) == ({}, [])


def test_what_is_open_is_held_and_is_no_difference() -> None:
    held = Held()
    held.hold("pay_1", Look({POSTGRES: {}}, open="processing"), STORY)
    held.seen_again("pay_1", Look({POSTGRES: {}}, open="capture is under way"))
    assert (held.open(), held.differences()) == ({"pay_1": "capture is under way"}, [])


def test_one_field_that_differs_in_several_truths_is_one_difference() -> None:
    held = Held()
    look = {POSTGRES: {"amount": (9, 8)}, TABLE: {"amount": (9, 7)}}
    held.hold("pay_1", Look(look), STORY)
    held.seen_again("pay_1", Look(look))
    (only,) = held.differences()
    assert only.values == {EVENTS: 9, POSTGRES: 8, TABLE: 7}
