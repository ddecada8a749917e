"""The writer's rows: whatever state a payment can reach, it comes back out of its row as it was, and says when it is due."""

from models.row import Row
from streams.wire import rows
from tests.models.exploring import explore


def test_every_state_that_a_payment_can_reach_comes_back_as_it_was() -> None:
    """What is None is left out of a row: a member without a default would stop its partition for good."""
    states = [history.transaction for history in explore().histories.values() if history.transaction]
    assert len(states) > 200
    for transaction in states:
        written = rows.write(Row(transaction))
        assert rows.read(written) == Row(transaction)
        due = transaction.next_check_at
        assert rows.next_check_ms(written) == (due and int(due.timestamp() * 1000))
        doubt = transaction.in_doubt_since
        assert rows.in_doubt_ms(written) == (doubt and int(doubt.timestamp() * 1000))
    assert any(transaction.in_doubt_since for transaction in states)


def test_a_row_from_before_doubts_were_told_is_in_none() -> None:
    assert rows.in_doubt_ms(b'{"next_check_ms":null,"transaction":{"id":"pay_1","in_doubt_ms":5}}') is None
