"""What earlier versions wrote is read as it was meant: by a writer that recovers, and by who replays the log."""

import pytest

from models.row import Row
from models.transaction import Transaction, evolve
from streams.wire import events, rows
from tests.streams.wire.histories import History, kept

KEPT = dict(kept())


@pytest.mark.parametrize("history", KEPT.values(), ids=KEPT)
def test_the_events_still_lead_to_the_row(history: History) -> None:
    transaction: Transaction | None = None
    for record in history.events:
        transaction = evolve(transaction, events.replayed(record))
    assert transaction == rows.read(history.row).transaction


@pytest.mark.parametrize("history", KEPT.values(), ids=KEPT)
def test_a_row_that_is_taken_over_is_the_same_row(history: History) -> None:
    row = rows.read(history.row)
    assert rows.read(rows.write(Row(row.transaction, row.waiters))) == row
    assert rows.next_check_ms(history.row) == rows.next_check_ms(rows.write(row))


def test_there_are_stories_of_every_usual_kind() -> None:
    told = {events.read(record).type for history in KEPT.values() for record in history.events}
    assert told >= {
        "payment.captured.v1",
        "payment.declined.v1",
        "payment.canceled.v1",
        "payment.outcome_unknown.v1",
        "payment.review_required.v1",
        "refund.succeeded.v1",
        "refund.failed.v1",
        "command.refused.v1",
    }
