"""The largest payment that merchants can make still fits into a record: else what led to it would never be answered."""

from dataclasses import replace
from datetime import UTC, datetime

from agents.writer import Applied, apply
from models.codes import Code
from models.commands import CancelPayment, Command, CreatePayment, CreateRefund, Origin, RecordOutcome
from models.fields import METADATA_NAME_MAX_CHARS, METADATA_NAMES_MAX, METADATA_VALUE_MAX_CHARS
from models.money import Money
from models.ports import ReplyAddress
from models.provider import Answered, IntentSnapshot, IntentStatus, RefundIntent, RefundSnapshot, RefundStatus
from models.row import WAITERS_MAX, Row
from models.rules import REFUNDS_MAX
from models.terms import PaymentTerms
from streams.delivery.records import LARGEST_RECORD_BYTES, size_of
from streams.wire import events, rows
from streams.wire.causes import cause_of

PAYMENT = "pay_" + "ab" * 16
AT = datetime(2026, 1, 31, tzinfo=UTC)
CAPTURED = IntentSnapshot("pi_1", IntentStatus.CAPTURED, "usd", 1999, 0, 1999, "ch_1")
WIDE = "\U0001f600"  # four bytes as one character
FULL = {
    f"{n:02}".ljust(METADATA_NAME_MAX_CHARS, WIDE): WIDE * METADATA_VALUE_MAX_CHARS
    for n in range(METADATA_NAMES_MAX)
}


ESCAPED = '"'  # a byte that JSON writes as two


def origin(command_id: str, filled_with: str = "x") -> Origin:
    return Origin(command_id.ljust(255, filled_with), PAYMENT, "mer_1", AT)


def refund(n: int, metadata: dict[str, str]) -> CreateRefund:
    return CreateRefund(origin(f"refund {n} "), f"re_{n:032x}", 1, "requested_by_customer", None, metadata)


class Payment:
    def __init__(self) -> None:
        self.row: Row | None = None
        self.largest = 0

    def say(self, command: Command, asker: int = 0) -> Applied:
        address = ReplyAddress("payments.replies.".ljust(200, "x"), asker)
        kept = rows.write(self.row) if self.row else None
        applied = apply(self.row, command, address, livemode=False, full=rows.is_full(kept))
        assert applied.row is not None
        self.row = applied.row
        told = [events.write(said.event, said.payment, cause_of(command)) for said in applied.events]
        sizes = [size_of(one) for one in told]
        self.largest = max(self.largest, len(rows.write(self.row)), *sizes, 0)
        return applied


def test_refunds_with_all_the_metadata_they_may_have_are_refused_before_they_fill_a_record() -> None:
    payment = Payment()
    payment.say(CreatePayment(origin("create"), PaymentTerms(Money(1999, "usd"), "pm_1", metadata=FULL)))
    payment.say(RecordOutcome(origin("outcome"), f"{PAYMENT}:create:1", Answered(CAPTURED)))
    codes = []
    for n in range(12):
        (answer, *_) = [a.reply.code for a in payment.say(refund(n, FULL)).answers] or [None]
        codes.append(answer)
    assert codes[0] is None
    assert codes[-1] == Code.LIMIT_EXCEEDED
    made = codes.count(None)
    for n in range(12, REFUNDS_MAX + 12 - made):
        for asker in range(WAITERS_MAX):
            payment.say(refund(n, {}), asker)
    for n in range(100):
        payment.say(CancelPayment(origin(f"cancel {n} ")))
        other = replace(origin(f"stranger {n} "), merchant="mer_2")
        payment.say(CancelPayment(other))
    assert payment.row is not None
    assert len(payment.row.transaction.refunds) == REFUNDS_MAX
    assert payment.largest < LARGEST_RECORD_BYTES


def test_a_payment_whose_commands_have_the_longest_ids_takes_no_more_before_it_fills_a_record() -> None:
    """What was begun is finished all the same, and more is refused with an answer."""
    payment = Payment()
    terms = PaymentTerms(Money(1999, "usd"), "pm_1", metadata=FULL)
    payment.say(CreatePayment(origin("create", ESCAPED), terms))
    payment.say(RecordOutcome(origin("outcome"), f"{PAYMENT}:create:1", Answered(CAPTURED)))
    for n in range(64):
        payment.say(CancelPayment(origin(f"cancel {n} ", ESCAPED)))
        payment.say(CancelPayment(replace(origin(f"stranger {n} ", ESCAPED), merchant="mer_2")))
    begun, code = 0, None
    while code is None:
        wanted = refund(begun, FULL if begun < 2 else {})
        wanted = replace(wanted, origin=origin(f"refund {begun} ", ESCAPED))
        said = payment.say(wanted)
        code = next((answer.reply.code for answer in said.answers), None)
        begun += code is None
    assert (code, begun < REFUNDS_MAX) == (Code.LIMIT_EXCEEDED, True)
    assert payment.row is not None
    for key, call in list(payment.row.transaction.calls.items()):
        assert isinstance(call.call.ask, RefundIntent)
        refunded = RefundSnapshot(call.call.ask.refund_id, "re_1", RefundStatus.SUCCEEDED, "usd", 1)
        payment.say(RecordOutcome(origin("done"), key, Answered(refunded)))
    assert payment.row.transaction.amount_refunded_minor == begun
    assert payment.largest < LARGEST_RECORD_BYTES
