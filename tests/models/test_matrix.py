"""Every command in every state a payment can reach, and every edge of both transition tables."""

from typing import get_args

import pytest

from models import commands, events
from models import dispute as disputes
from models import payment as payments
from models import refund as refunds
from models.payment import PaymentMove, PaymentStatus
from models.provider import DisputeStatus, RefundStatus
from models.refund import RefundMove
from tests.models.exploring import Explored, can_lie, everything, explore


@pytest.fixture(scope="module")
def explored() -> Explored:
    return explore()


def test_every_command_in_every_reachable_state_keeps_the_laws(explored: Explored) -> None:
    assert (
        len(explored.histories) > 200
    )  # the laws were checked on the way; this many states are worth the name
    for history in explored.histories.values():
        history.check_whole()


def test_only_evidence_can_break_an_invariant(explored: Explored) -> None:
    assert explored.lies
    assert all(can_lie(command) for _, command in explored.lies)


def test_every_status_is_reached(explored: Explored) -> None:
    assert explored.statuses == set(PaymentStatus)


def test_every_move_of_a_payment_in_the_table_is_made_and_no_other(explored: Explored) -> None:
    assert explored.edges.payment_edges == set(payments.TRANSITIONS)


def test_every_move_of_a_refund_in_the_table_is_made_and_no_other(explored: Explored) -> None:
    assert explored.edges.refund_edges == set(refunds.TRANSITIONS)


def test_every_move_of_a_dispute_in_the_table_is_made_and_no_other(explored: Explored) -> None:
    assert explored.edges.dispute_edges == set(disputes.TRANSITIONS)


def test_the_tables_use_every_status_and_every_move() -> None:
    assert {move for _, move in payments.TRANSITIONS} == set(PaymentMove)
    assert set(payments.TRANSITIONS.values()) == set(PaymentStatus)
    assert {move for _, move in refunds.TRANSITIONS} == set(RefundMove)
    assert set(refunds.TRANSITIONS.values()) == set(RefundStatus)
    assert set(disputes.TRANSITIONS.values()) == set(DisputeStatus)


def test_every_kind_of_event_happens(explored: Explored) -> None:
    assert explored.kinds == set(get_args(events.EventData))


def test_every_kind_of_command_is_said(explored: Explored) -> None:
    said = {type(command) for h in explored.histories.values() for command in everything(h.transaction)}
    assert said == set(get_args(commands.Command))


def test_every_event_is_a_payments_a_refunds_a_disputes_a_calls_a_persons_or_a_refusal() -> None:
    unions = (events.PaymentEvent, events.RefundEvent, events.DisputeEvent, events.CallEvent)
    kinds = {kind for union in unions for kind in get_args(union)}
    assert set(get_args(events.EventData)) - kinds == {events.ReviewResolved, events.CommandRefused}
    assert all(
        kind in payments._MOVES or kind is events.PaymentCaptured for kind in get_args(events.PaymentEvent)
    )
    assert set(refunds._MOVES) == set(get_args(events.RefundEvent))
