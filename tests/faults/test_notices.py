"""The judge of what merchants are told is judged: told too early, to the wrong one, twice, and never."""

from dataclasses import replace

from agents.writer import apply
from models.row import Row
from streams.wire import events
from streams.wire.causes import cause_of
from tests.faults.notices import Told, untold, wrongly_told
from tests.models.samples import MERCHANT, STRANGER, capture, create
from tests.streams.wire.records import APPENDED_MS, received
from tests.system.truths import Replayed

HOOKS = {"/hook": MERCHANT, "/hook/other": "mer_other"}
LATER_MS = 40


def written(*at_ms: int) -> Replayed:
    """Payments that were just asked for, one after the other in one partition."""
    log = Replayed("changelog")
    for number, at in enumerate(at_ms):
        asked = create()
        asked = replace(asked, origin=replace(asked.origin, payment_id=f"pay_{number:032x}"))
        for said in apply(None, asked, None, livemode=False, full=False).events:
            record = received(events.write(said.event, said.payment, cause_of(asked)), at)
            log.take(replace(record, offset=number))
    return log


def event(log: Replayed, number: int = 0) -> str:
    return log.stories[f"pay_{number:032x}"][0][1].id


def told(event: str, after_ms: int = LATER_MS, path: str = "/hook", id: str = "msg_1") -> Told:
    return Told([(path, id, {"data": {"id": event}})], HOOKS, {id: (APPENDED_MS + after_ms) / 1000})


def test_what_arrived_once_at_its_merchants_and_after_it_was_written_is_as_it_should_be() -> None:
    log = written(APPENDED_MS)
    assert [*wrongly_told(log, told(event(log)))] == []
    assert untold(log, told(event(log))) == []


def test_what_was_told_before_the_copy_that_counts_was_written_was_not_durable() -> None:
    log = written(APPENDED_MS)
    (words,) = wrongly_told(log, told(event(log), after_ms=-5))
    assert words == f"I16 {event(log)} was told 5 ms before it was written"


def test_a_writer_whose_clock_was_ahead_shows_nothing() -> None:
    log = written(APPENDED_MS + 300_000, APPENDED_MS + 1)
    assert [*wrongly_told(log, told(event(log)))] == []
    assert [*wrongly_told(log, told(event(log, 1), after_ms=0))] != []


def test_what_is_in_no_log_was_told_for_nothing() -> None:
    (words,) = wrongly_told(written(APPENDED_MS), told("evt_aborted"))
    assert words == "I16 evt_aborted was told and is not in the log"


def test_what_another_merchant_was_told_is_named_and_its_own_was_not_told() -> None:
    log = written(APPENDED_MS)
    elsewhere = told(event(log), path="/hook/other")
    assert [*wrongly_told(log, elsewhere)] == [f"I10 {event(log)} of {MERCHANT} was told to mer_other"]
    assert untold(log, elsewhere) == [f"I16 {event(log)} of {MERCHANT} was never told"]


def test_what_a_stranger_tried_is_told_to_nobody() -> None:
    log = written(APPENDED_MS)
    asked = capture(by=STRANGER)
    asked = replace(asked, origin=replace(asked.origin, payment_id=f"pay_{0:032x}"))
    row = Row(log.replayed[f"pay_{0:032x}"])
    (said,) = apply(row, asked, None, livemode=False, full=False).events
    log.take(
        replace(received(events.write(said.event, said.payment, cause_of(asked)), APPENDED_MS), offset=1)
    )
    assert untold(log, told(event(log))) == []
    assert [*wrongly_told(log, told(said.event.id))] == [
        f"I10 {said.event.id} is what a stranger tried, and was told"
    ]


def test_two_ids_are_one_too_many() -> None:
    log = written(APPENDED_MS)
    one, other = told(event(log)), told(event(log), id="msg_2")
    both = Told([*one.got, *other.got], HOOKS, {**one.first_at, **other.first_at})
    assert [*wrongly_told(log, both)] == [f"I16 ('/hook', '{event(log)}') was told under 2 ids"]


def test_what_was_read_and_is_gone_or_otherwise_is_named() -> None:
    before, again = written(APPENDED_MS, APPENDED_MS + 1), written(APPENDED_MS)
    assert [*again.missing_in(before)] == []
    (words,) = before.missing_in(again)
    assert words == "I2 payments.events.v1/0/1 is not what was read there before"
