"""The payment as readers see it: the contract's members, all of them, and the few that were added."""

import json
from datetime import UTC, datetime

import pytest

from models.errors import InvariantBroken
from models.provider import DisputeStatus, RefundStatus
from models.representation import payment_view, rfc3339
from tests.models.samples import (
    AUTHORIZED,
    CAPTURED,
    CREATE_CALL,
    MERCHANT,
    PAYMENT,
    REQUIRES_ACTION,
    answer,
    capture,
    create,
    create_manual,
    declined,
    disputed,
    notice,
    refund,
    refund_call,
    refund_name,
    refunded,
    unknown,
)
from tests.models.story import Story, given

PAYMENT_MEMBERS = """
id object merchant sequence status amount currency amount_authorized amount_capturable amount_captured amount_refunded
amount_refund_pending amount_refundable capture_method payment_method description customer receipt_email metadata
next_action decline cancellation_reason authorized_until unknown_since provider livemode refunds disputes created_at
updated_at""".split()
PAYMENT_MEMBERS_ADDED = ["amount_disputed", "client_secret"]
DISPUTE_MEMBERS = """
id object status amount currency reason respond_by amount_withdrawn amount_reinstated refundable created_at
updated_at""".split()
REFUND_MEMBERS = "id object status amount reason failure_reason created_at".split()
REFUND_MEMBERS_ADDED = ["metadata", "updated_at"]


def refunded_in_part() -> Story:
    known = (
        answer(CREATE_CALL, CAPTURED),
        refund(500),
        answer(refund_call(), refunded(RefundStatus.SUCCEEDED, 500)),
    )
    return given(create(), *known, refund(100, n=2))


def test_a_payment_has_just_the_members_of_the_contract() -> None:
    view = payment_view(refunded_in_part().transaction, livemode=False)
    assert sorted(view) == sorted(PAYMENT_MEMBERS + PAYMENT_MEMBERS_ADDED)
    assert [name for name in view if name not in PAYMENT_MEMBERS_ADDED] == PAYMENT_MEMBERS
    assert list(view["provider"]) == ["name", "payment_intent", "charge"]
    assert sorted(view["refunds"][0]) == sorted(REFUND_MEMBERS + REFUND_MEMBERS_ADDED)


def test_a_payment_refunded_in_part_shows_its_amounts() -> None:
    view = payment_view(refunded_in_part().transaction, livemode=True)
    shown = {name: value for name, value in view.items() if name.startswith("amount")}
    assert shown == {
        "amount": 1000,
        "amount_authorized": 1000,
        "amount_capturable": 0,
        "amount_captured": 1000,
        "amount_refunded": 500,
        "amount_refund_pending": 100,
        "amount_refundable": 400,
        "amount_disputed": 0,
    }
    assert (view["id"], view["object"], view["merchant"], view["status"]) == (
        PAYMENT,
        "payment",
        MERCHANT,
        "captured",
    )
    assert (view["sequence"], view["livemode"], view["disputes"]) == (5, True, [])
    assert view["provider"] == {"name": "stripe", "payment_intent": "pi_1", "charge": "ch_1"}
    assert [(r["id"], r["status"], r["amount"]) for r in view["refunds"]] == [
        (refund_name(1), "succeeded", 500),
        (refund_name(2), "pending", 100),
    ]


def test_what_is_only_known_sometimes_is_null_otherwise() -> None:
    view = payment_view(given(create()).transaction, livemode=False)
    for name in ("next_action", "decline", "cancellation_reason", "authorized_until", "unknown_since"):
        assert view[name] is None
    assert view["provider"] == {"name": "stripe", "payment_intent": None, "charge": None}


def test_declines_actions_and_times_are_shown() -> None:
    assert payment_view(given(create(), declined()).transaction, False)["decline"] == {
        "code": "card_declined",
        "decline_code": "insufficient_funds",
        "advice": None,
        "message": "No.",
        "advice_code": None,
        "network_code": None,
        "rule": None,
    }
    waiting = given(create(), notice(REQUIRES_ACTION))
    assert payment_view(waiting.transaction, False)["next_action"] == {"type": "redirect_to_url"}
    held = payment_view(given(create_manual(), notice(AUTHORIZED)).transaction, False)
    assert (held["authorized_until"], held["amount_capturable"]) == ("2026-02-07T12:00:00.000Z", 1000)
    doubt = payment_view(given(create(), unknown(CREATE_CALL)).transaction, False)
    assert doubt["unknown_since"] == doubt["created_at"] == "2026-01-31T12:00:00.000Z"


def test_a_dispute_shows_what_it_took_and_until_when_it_can_be_answered() -> None:
    known = (create(), answer(CREATE_CALL, CAPTURED))
    story = given(*known, notice(disputed(DisputeStatus.NEEDS_RESPONSE)))
    view = payment_view(story.transaction, False)
    (dispute,) = view["disputes"]
    assert list(dispute) == DISPUTE_MEMBERS
    assert (dispute["id"], dispute["status"], dispute["amount"]) == ("du_1", "needs_response", 1000)
    assert (dispute["amount_withdrawn"], dispute["amount_reinstated"]) == (1000, 0)
    assert (dispute["respond_by"], view["amount_disputed"]) == ("2026-02-09T12:00:00.000Z", 1000)
    story.when(notice(disputed(DisputeStatus.WON, reinstated=True)))
    view = payment_view(story.transaction, False)
    assert (view["disputes"][0]["amount_reinstated"], view["amount_disputed"]) == (1000, 0)
    assert view["disputes"][0]["respond_by"] is None


def test_every_view_is_json_and_comes_back_the_same() -> None:
    view = payment_view(refunded_in_part().transaction, livemode=False)
    assert json.loads(json.dumps(view)) == view


def test_times_have_milliseconds_and_end_in_z() -> None:
    assert rfc3339(datetime(2026, 1, 31, 12, 0, 0, 123456, UTC)) == "2026-01-31T12:00:00.123Z"


def test_where_there_is_no_payment_there_is_nothing_to_show() -> None:
    with pytest.raises(InvariantBroken):
        payment_view(given(capture()).transaction, livemode=False)
