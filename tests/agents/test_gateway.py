"""The gateway without Kafka and Stripe: whatever was answered, an outcome is told."""

from datetime import UTC, datetime

import orjson
import pytest

from agents.gateway import written
from models.commands import Origin, RecordOutcome
from models.provider import Answered, IntentSnapshot, IntentStatus, Outcome, Rejected
from streams.wire.commands import CommandCodec

PAYMENT = "pay_" + "ab" * 16
AT = datetime(2026, 1, 31, tzinfo=UTC)
CODEC = CommandCodec(partitions=4, secret=b"internal")


def told(outcome: Outcome) -> str:
    command = RecordOutcome(Origin("o", PAYMENT, "mer_1", AT), f"{PAYMENT}:create:1", outcome)
    kind = orjson.loads(written(command, CODEC.write).value or b"")["outcome"]["kind"]
    assert isinstance(kind, str)
    return kind


@pytest.mark.parametrize(
    "snapshot",
    [
        IntentSnapshot("pi_\ud83d", IntentStatus.CAPTURED, "usd", 1999, 0, 1999),
        IntentSnapshot("pi_1", IntentStatus.CAPTURED, "usd", 1999, 0, 10**30),
        IntentSnapshot("pi_1", IntentStatus.REQUIRES_ACTION, "usd", 1999, next_action={"a": 10**30}),
    ],
    ids=["half a character", "a number too long", "a number too long, deeper"],
)
def test_an_answer_that_cannot_be_written_down_is_unknown(snapshot: IntentSnapshot) -> None:
    assert told(Answered(snapshot)) == "unknown"


def test_any_other_answer_is_told_as_it_is() -> None:
    assert told(Rejected("resource_missing", "No such payment method.")) == "rejected"
