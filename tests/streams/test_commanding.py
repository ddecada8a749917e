"""What is written of an operator's command, and read again: that, and nothing that others have written."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from streams.operator import commanding, policies
from streams.operator.commanding import Commanded
from streams.operator.dead_letters import audit as letters
from streams.operator.dead_letters.audit import REDRIVEN, Settled

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
SAID = Commanded("pay_1", "mer_1", "refund.create.v1", "id-1", "Ada", "she rang", AT)


@dataclass
class Record:
    key: bytes
    value: bytes | None


def record(said: Commanded) -> Record:
    item = commanding.item(said)
    assert item.key is not None
    return Record(item.key, item.value)


def test_it_is_read_as_it_was_written_and_by_nobody_else() -> None:
    assert commanding.read(record(SAID)) == SAID
    assert letters.read(record(SAID)) is None
    assert policies.read(record(SAID)) is None


def test_what_others_wrote_is_none() -> None:
    settled = letters.item(
        Settled("0/1", REDRIVEN, "Ada", "why", "payments.commands.v1/0/1", "key_invalid", AT)
    )
    assert settled.key is not None
    assert commanding.read(Record(settled.key, settled.value)) is None


@pytest.mark.parametrize("value", [None, b"", b"{", b"[]", b"{}", b'{"payment": "pay_1"}'])
def test_what_cannot_be_read_is_passed_over(value: bytes | None) -> None:
    assert commanding.read(Record(b"pay_1", value)) is None


def test_what_lies_under_another_key_is_not_believed() -> None:
    assert commanding.read(Record(b"pay_2", record(SAID).value)) is None
