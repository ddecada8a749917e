"""A command that was put back from the dead letters is as old as it was: a create that has grown stale stays refused."""

import time
from datetime import UTC, datetime

import pytest

from models.codes import Code
from models.commands import CreatePayment, Origin
from models.deciding import decide
from models.events import CommandRefused
from models.money import Money
from models.recheck import CREATE_AGE_MAX_S
from models.terms import PaymentTerms
from streams.wire.cloudevents import APPENDED_MS
from streams.wire.commands import CommandCodec
from tests.streams.wire.records import Received, received

PAYMENT = "pay_" + "ab" * 16
CODEC = CommandCodec(partitions=4, secret=b"internal")


def put_back(first_came_ms: bytes) -> Received:
    now_ms = int(time.time() * 1000)
    command = CreatePayment(
        Origin("c1", PAYMENT, "mer_1", datetime.now(UTC)), PaymentTerms(Money(1999, "usd"), "pm_card_visa")
    )
    return received(CODEC.write(command), now_ms).having(APPENDED_MS, first_came_ms)


def test_a_create_that_was_put_back_too_late_is_refused() -> None:
    stale_ms = int((time.time() - CREATE_AGE_MAX_S - 60) * 1000)
    command, _ = CODEC.read(put_back(b"%d" % stale_ms))
    (event,) = decide(None, command)
    assert isinstance(event.data, CommandRefused)
    assert event.data.code == Code.COMMAND_EXPIRED


def test_a_create_that_was_put_back_in_time_is_carried_out() -> None:
    command, _ = CODEC.read(put_back(b"%d" % int((time.time() - 60) * 1000)))
    assert 59 <= command.origin.age_s <= 62
    (event,) = decide(None, command)
    assert not isinstance(event.data, CommandRefused)


@pytest.mark.parametrize("claimed", [b"99999999999999", b"-1", b"", b"soon", b"9" * 5000, b"\xff"])
def test_nobody_can_make_a_command_younger_by_it_or_break_it(claimed: bytes) -> None:
    command, _ = CODEC.read(put_back(claimed))
    assert command.origin.age_s <= 2
