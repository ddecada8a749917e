"""The writer's step over records: whose policy holds for a command, whatever was refused before it."""

import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from agents.writer.__main__ import CLOCKS_NEAR_MS, Reminding, TakingIn
from models import ids
from models.commands import CapturePayment, CheckPayment, Command, CreatePayment, Origin
from models.money import Money
from models.policy import DEFAULT, Policy
from models.terms import PaymentTerms
from streams.delivery import Outgoing, Table
from streams.delivery.writer import Out
from streams.tracing import UNTRACED
from streams.wire.commands import CommandCodec
from tests.streams.wire.records import received

OWNER, STRANGER = "mer_owner", "mer_stranger"
OF_THE_OWNER = Policy(currencies=("eur",), account="acct_owner")
COMMAND = ids.command_uuid(OWNER, "order-1")
PAYMENT = ids.payment_id(COMMAND)


class Taking:
    """One partition's table, and what comes of each command."""

    def __init__(self) -> None:
        process: Any = SimpleNamespace(
            tracing=UNTRACED, crashpoint=lambda name: None, settings=SimpleNamespace(livemode=False)
        )
        self._codec = CommandCodec(1, b"s" * 32)
        self._step = TakingIn(process, self._codec, self._policy_of).step
        self._table = Table()
        self._table.own({0})

    @staticmethod
    def _policy_of(merchant: str) -> Policy:
        return OF_THE_OWNER if merchant == OWNER else DEFAULT

    def take(self, command: Command, at_ms: int | None = None) -> list[Outgoing]:
        out = Out()
        self._table.enter(0)
        came_ms = at_ms or int(time.time() * 1000)
        self._step(received(self._codec.write(command), came_ms), self._table, out)
        self.written = self._table.keep()
        return out.emitted


def create(currency: str, key: str = "order-1") -> CreatePayment:
    origin = Origin(str(ids.command_uuid(OWNER, key)), PAYMENT, OWNER, datetime.now(UTC))
    return CreatePayment(origin, PaymentTerms(Money(5000, currency), "pm_card_visa"))


def capture(merchant: str) -> CapturePayment:
    id = str(ids.command_uuid(merchant, "another"))
    return CapturePayment(Origin(id, PAYMENT, merchant, datetime.now(UTC)))


@pytest.mark.parametrize("before", [(), (capture(OWNER),), (capture(STRANGER),), (create("usd", "before"),)])
def test_a_create_is_its_merchants_by_policy_and_account_whatever_was_refused_before(
    before: tuple[Command, ...],
) -> None:
    taking = Taking()
    for refused in before:
        taking.take(refused)
    (against_it,) = taking.take(create("usd", "against it"))
    assert value(against_it)["code"] == "currency_unsupported"
    (requested,) = taking.take(create("eur"))
    assert value(requested)["call"]["account"] == "acct_owner"


def test_a_check_that_comes_too_early_writes_nothing() -> None:
    """Written as it was, the payment was due again at once: a writer whose clock is ahead did nothing else any more."""
    taking, now_ms = Taking(), int(time.time() * 1000)
    taking.take(create("eur"), now_ms)
    assert taking.written
    assert taking.take(CheckPayment(Origin("check", PAYMENT, "millrace", datetime.now(UTC))), now_ms) == []
    assert taking.written == {}


async def test_a_check_is_not_sent_in_the_moment_it_is_due_for_the_brokers_clock_may_be_a_little_behind() -> (
    None
):
    sent: list[Outgoing] = []

    async def send(checks: list[Outgoing]) -> None:
        sent.extend(checks)

    app: Any = SimpleNamespace(send=send)
    reminding = Reminding(app, CommandCodec(1, b"s" * 32))
    for late_ms in (CLOCKS_NEAR_MS // 2, CLOCKS_NEAR_MS * 2):
        row = b'{"next_check_ms":%d,' % (time.time() * 1000 - late_ms)
        reminding.on_state(0, b"due %d" % late_ms, row + b'"in_doubt_ms":null,')
    await reminding.send_checks()
    assert [check.key for check in sent] == [b"due %d" % (CLOCKS_NEAR_MS * 2)]


def value(outgoing: Outgoing) -> dict[str, Any]:
    return orjson.loads(outgoing.value or b"")  # type: ignore[no-any-return]
