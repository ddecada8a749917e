"""One payment as the log tells it beside what each of the others may say of it: every way to differ has its name."""

from datetime import timedelta
from typing import Any

import pytest

from models.ports import Change, View
from streams.adapters.postgres.kept import Kept, event_digest, payment_to_keep, refund_to_keep
from streams.adapters.stripe_books import Dispute, Facts, Refund, packed, unpacked
from streams.reconciling.at_stripe import open_because, with_stripe
from streams.reconciling.comparing import PAYMENT, in_the_log, with_postgres, with_table
from streams.reconciling.stories import UNKEEPABLE, Stories, Story, made_since
from tests.streams.adapters.payments import (
    FIRST,
    SECOND,
    START,
    change,
    event,
    payment_id,
    refund,
    refusal,
    view,
)

INTENT = {"name": "stripe", "payment_intent": "pi_1", "charge": "ch_1"}


def told(*changes: Change) -> Story:
    story = Story(FIRST, changes[0].event.sequence, changes[0].event.sequence - 1)
    for each in changes:
        story.add(each)
    return story


def kept_of(*changes: Change) -> Kept:
    """What the projection keeps of it."""
    shown = [each.payment for each in changes if each.payment]
    last: View = shown[-1]
    return Kept(
        payment_to_keep(last),
        {each["id"]: refund_to_keep(last, each) for each in last["refunds"]},
        {each.event.sequence: event_digest(each.event) for each in changes},
    )


def at_stripe(**changed: Any) -> Facts:
    facts = Facts(payment_id(1), FIRST, "pi_1", "succeeded", 1999, "usd", 0, 1999, "ch_1", 1999, (), ())
    return facts._replace(**changed)


def paid(**changed: Any) -> View:
    amounts = {"amount_captured": 1999, "amount_authorized": 1999}
    return view(1, **{"provider": INTENT, **amounts, **changed})


def test_a_story_with_a_gap_a_double_or_without_a_beginning_is_not_whole() -> None:
    first, second, third = (change(view(1, number)) for number in (1, 2, 3))
    assert in_the_log(told(first, second, third)) == {}
    assert in_the_log(told(first, third))["sequence"][0] == "event 3 after 1"
    assert in_the_log(told(first, second, second))["sequence"][0] == "event 2 after 2"
    assert in_the_log(told(second, third))["sequence"][0] == "begins with 2"


def test_a_payment_is_whose_it_is_and_not_who_was_refused_before_and_an_event_of_anothers_is_wrong() -> None:
    too_early = Change(event(payment_id(1), 1, SECOND, "command.refused.v1", sender=SECOND), None)
    mine = told(too_early, change(view(1, 2)))
    assert (mine.merchant, in_the_log(mine)) == (FIRST, {})
    mine.add(refusal(view(1, 2), 3, SECOND))
    assert in_the_log(mine) == {}, "who tried later is its sender, and not whose it is"
    mine.add(change(view(1, 4, merchant=SECOND)))
    assert (mine.merchant, in_the_log(mine)["sequence"][0]) == (FIRST, f"event 4 of {SECOND}")


def test_after_a_gap_each_event_is_still_compared_with_its_own() -> None:
    first, third = change(view(1, 1)), change(view(1, 3))
    story = told(first, third)
    assert [story.digest(number) for number in (1, 2, 3, 4)] == [
        event_digest(first.event),
        UNKEEPABLE,
        event_digest(third.event),
        None,
    ]


def test_what_postgresql_keeps_as_it_should_is_no_difference() -> None:
    changes = [
        change(view(1)),
        change(view(1, 2, refunds=[refund(1)])),
        refusal(view(1, 2), 3, "mer_stranger"),
    ]
    assert with_postgres(told(*changes), kept_of(*changes)) == {}


@pytest.mark.parametrize(
    ("tamper", "field"),
    [
        (lambda kept: kept.payment.update(status="canceled"), "row.status"),
        (lambda kept: kept.payment["body"].update(amount_refunded=1), "amount_refunded"),
        (lambda kept: kept.payment["body"]["provider"].update(charge="ch_9"), "provider.charge"),
        (lambda kept: kept.payment["body"]["refunds"][0].update(status="failed"), f"refunds.{refund(1)['id']}.status"),
        (lambda kept: kept.payment["body"].pop("currency"), "currency"),
        (lambda kept: setattr(kept, "payment", None), PAYMENT),
        (lambda kept: kept.refunds.clear(), f"refund row {refund(1)['id']}"),
        (lambda kept: kept.refunds[refund(1)["id"]].update(amount=1), f"refund row {refund(1)['id']}.amount"),
        (lambda kept: kept.events.pop(1), "event 1"),
        (lambda kept: kept.events.update({2: b"otherwise"}), "event 2"),
        (lambda kept: kept.events.update({3: b"one more"}), "event 3"),
    ],
)  # fmt: skip
def test_each_tampering_in_postgresql_is_one_difference_by_its_name(tamper: Any, field: str) -> None:
    changes = [change(view(1)), change(view(1, 2, provider={**INTENT}, refunds=[refund(1)]))]
    kept = kept_of(*changes)
    kept.payment = {**payment_to_keep(told(*changes).shown() or {})}  # of its own
    tamper(kept)
    assert list(with_postgres(told(*changes), kept)) == [field]


def test_a_row_of_what_the_log_does_not_know_is_a_difference_and_so_is_nothing_of_what_it_knows() -> None:
    changes = [change(view(1))]
    assert with_postgres(None, kept_of(*changes))[PAYMENT] == (None, "there")
    assert with_postgres(told(*changes), Kept())[PAYMENT] == ("there", None)
    assert with_table(told(*changes), None) == {PAYMENT: ("there", None)}
    assert with_table(None, b"{}") == {PAYMENT: (None, "there")}
    assert with_table(None, None) == {}


def test_what_stripe_shows_of_a_captured_payment_is_no_difference() -> None:
    refunds = (Refund(refund(1)["id"], "re_at_stripe", "succeeded", 500),)
    shown = paid(refunds=[refund(1, "succeeded")], amount_refunded=500)
    assert with_stripe(told(change(shown)), [at_stripe(refunds=refunds)]) == {}


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({"status": "requires_capture"}, {"status"}),
        ({"amount_minor": 1}, {"amount"}),
        ({"received_minor": 1}, {"amount_captured"}),
        ({"capturable_minor": 1}, {"amount_capturable"}),
        ({"charged_minor": 1}, {"amount_authorized"}),
        ({"currency": "eur"}, {"currency"}),
        ({"intent": "pi_2"}, {"provider.payment_intent"}),
        ({"charge": "ch_2"}, {"provider.charge"}),
        ({"merchant": "mer_x"}, {"merchant"}),
        ({"payment": ""}, {"id"}),
        ({"payment": payment_id(2)}, {"id"}),
        ({"refunds": (Refund(None, "re_by_hand", "succeeded", 5),)}, {"refunds.re_by_hand", "amount_refunded"}),
        ({"refunds": (Refund(None, "re_by_hand", "pending", 5),)}, {"refunds.re_by_hand"}),
        ({"disputes": (Dispute("du_1", "lost", 1, "usd", True, False),)}, {"disputes.du_1"}),
    ],
)  # fmt: skip
def test_each_thing_that_stripe_shows_otherwise_is_a_difference_by_its_name(
    changed: dict[str, Any], fields: set[str]
) -> None:
    assert set(with_stripe(told(change(paid())), [at_stripe(**changed)])) == fields


@pytest.mark.parametrize(
    "value", [b"", b"\xff", b"[]", b"{}", b'{"transaction": {}}', b'{"transaction": 7, "waiters": []}']
)
def test_a_row_that_nobody_can_read_is_a_difference_and_no_crash(value: bytes) -> None:
    story = told(change(paid()))
    assert with_table(story, value) == {PAYMENT: ("there", "unreadable")}
    assert open_because(story, value) is None


def test_of_the_payments_since_a_time_one_that_has_lost_its_beginning_is_looked_at() -> None:
    beheaded = told(change(paid(sequence=2)))
    assert made_since(beheaded, START) and not made_since(beheaded, START + timedelta(seconds=1))
    assert in_the_log(beheaded) != {}


def test_a_charge_that_a_person_did_not_name_is_no_difference() -> None:
    resolved = paid(provider={**INTENT, "charge": None})
    assert with_stripe(told(change(resolved)), [at_stripe()]) == {}


def test_money_at_stripe_that_we_call_declined_or_canceled_is_a_difference() -> None:
    for status in ("declined", "canceled"):
        ours = view(1, status=status, provider={**INTENT, "charge": None})
        assert with_stripe(told(change(ours)), [at_stripe(status="canceled", received_minor=0)]) == {}
        assert {"status", "amount_captured"} == set(with_stripe(told(change(ours)), [at_stripe()]))


def test_two_intents_of_one_payment_and_none_where_one_should_be_are_differences() -> None:
    story = told(change(paid()))
    assert list(with_stripe(story, [at_stripe(), at_stripe(intent="pi_2")])) == ["provider.payment_intent"]
    assert with_stripe(story, []) == {PAYMENT: ("there", None)}
    assert with_stripe(None, [at_stripe()]) == {PAYMENT: (None, "pi_1 succeeded 1999 usd")}
    never_made = told(change(view(1, status="declined")))
    assert with_stripe(never_made, []) == {}


def test_a_refund_that_failed_before_stripe_made_one_is_no_difference_and_one_that_is_missing_is() -> None:
    failed, gone = paid(refunds=[refund(1, "failed")]), paid(refunds=[refund(1, "pending")])
    assert with_stripe(told(change(failed)), [at_stripe()]) == {}
    assert list(with_stripe(told(change(gone)), [at_stripe()])) == [f"refunds.{refund(1)['id']}"]


def test_what_is_in_flight_or_in_doubt_is_open() -> None:
    for status in ("processing", "unknown", "manual_review"):
        assert open_because(told(change(view(1, status=status))), None) == status
    doubtful = told(change(paid(refunds=[refund(1, "unknown")])))
    assert open_because(doubtful, None) == "a refund is unknown"
    assert open_because(told(change(paid(refunds=[refund(1, "pending")]))), None) is None


def test_a_payment_whose_method_takes_its_time_is_compared_once_it_is_made() -> None:
    """The notice of its end may never have come."""
    slow = told(change(view(1, status="processing", provider=INTENT)))
    assert open_because(slow, None) is None
    waits = at_stripe(status="processing", received_minor=0, charged_minor=0)
    assert with_stripe(slow, [waits]) == {}
    assert {"status", "amount_captured"} == set(with_stripe(slow, [at_stripe()]))


def test_facts_come_back_as_they_were_packed() -> None:
    facts = at_stripe(
        refunds=(Refund(None, "re_1", "pending", 5),),
        disputes=(Dispute("du_1", "won", 1, "usd", True, True),),
    )
    assert unpacked(packed(facts)) == facts


def test_records_that_are_no_events_are_counted_and_passed_over() -> None:
    class Junk:
        key, value, headers = b"pay_x", b"{", ()

    stories = Stories()
    stories.read([Junk()])
    stories.read([Junk()], only=set())
    assert (dict(stories), stories.unreadable) == ({}, 1)
