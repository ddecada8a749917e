"""The gateway without Kafka and Stripe: whatever was answered, an outcome is told."""

from datetime import UTC, datetime

import orjson
import pytest

from agents.gateway import carry_out, written
from models.commands import Origin, RecordOutcome
from models.money import Money
from models.policy import Velocity
from models.provider import (
    Answered,
    Ask,
    IntentSnapshot,
    IntentStatus,
    Operation,
    Outcome,
    PspCall,
    ReadIntent,
    Rejected,
    ScreenCustomer,
    Screened,
)
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


class Asked:
    """A provider and a screen in one: what each was asked."""

    def __init__(self) -> None:
        self.performed: list[PspCall] = []
        self.looked: list[PspCall] = []

    async def perform(self, call: PspCall) -> Outcome:
        self.performed.append(call)
        return Rejected("resource_missing", "No such payment method.")

    async def look(self, call: PspCall) -> Outcome:
        self.looked.append(call)
        return Screened(True)


async def test_a_question_about_a_customer_goes_to_the_screen_and_all_else_to_the_provider() -> None:
    asked, points = Asked(), list[str]()
    screen = ScreenCustomer("cus_1", Money(1999, "usd"), Velocity(payments_max=1))
    asks: list[tuple[Operation, Ask]] = [(Operation.SCREEN, screen), (Operation.READ, ReadIntent("pi_1"))]
    for operation, ask in asks:
        call = PspCall(f"{PAYMENT}:{operation}:1", operation, PAYMENT, "mer_1", AT, ask)
        told = await carry_out(call, "event-1", asked, asked, points.append)
        assert told.call_key == call.key
    assert [call.operation for call in asked.looked] == [Operation.SCREEN]
    assert [call.operation for call in asked.performed] == [Operation.READ]
    assert points == ["gateway.before_psp", "gateway.after_psp"] * 2


def test_any_other_answer_is_told_as_it_is() -> None:
    assert told(Rejected("resource_missing", "No such payment method.")) == "rejected"
