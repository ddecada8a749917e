"""Of a row that the version before has written, only what that version does not know may be missing."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.row import Row
from models.transaction import Transaction
from tests.faults.catalogue.versions import check_out, unknown_to
from tests.faults.tools import Missing
from tests.models.samples import CAPTURED, CREATE_CALL, answer, create
from tests.models.story import given
from tests.system.agreement import table_is_the_replay
from tests.system.evidence import Evidence
from tests.system.history import History
from tests.system.truths import Ledger, Replayed, Stored

WHOLE = given(create(), answer(CREATE_CALL, CAPTURED)).transaction
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_what_the_version_before_does_not_know_is_known(tmp_path: Path) -> None:
    try:
        check_out(tmp_path / "before")
    except Missing as why:
        pytest.skip(str(why))
    assert unknown_to(tmp_path / "before") == {"looked_at"}


@pytest.mark.parametrize(
    ("written", "told", "unknown", "is_one"),
    [
        ({}, {}, set(), True),
        ({}, {"looked_at": NOW}, set(), False),
        ({}, {"looked_at": NOW}, {"looked_at"}, True),
        ({"looked_at": NOW}, {}, {"looked_at"}, False),
        ({}, {"looked_at": NOW, "intent": "pi_2"}, {"looked_at"}, False),
    ],
)
def test_a_row_may_lack_what_its_writer_did_not_know_and_nothing_else(
    written: dict[str, object], told: dict[str, object], unknown: set[str], is_one: bool, tmp_path: Path
) -> None:
    log = Replayed("changelog")
    log.table["pay_1"], log.replayed["pay_1"] = Row(_with(written)), _with(told)
    found = Evidence(log, Stored({}, {}, {}), Ledger(), History(tmp_path / "history.jsonl"), unknown=unknown)
    assert [words[:2] for words in table_is_the_replay(found)] == ([] if is_one else ["I6"])


def _with(members: dict[str, object]) -> Transaction:
    assert WHOLE is not None and WHOLE.payment is not None
    return replace(WHOLE, payment=replace(WHOLE.payment, **members))  # type: ignore[arg-type]
