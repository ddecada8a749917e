"""Payments as the projection gets them, for tests: made by the core itself, so that their shape is the real one."""

from datetime import UTC, datetime, timedelta
from typing import Any

from models.money import Money
from models.payment import Payment, PaymentStatus
from models.ports import Change, EventRecord, View
from models.representation import payment_view, rfc3339
from models.terms import PaymentTerms
from models.transaction import Transaction

START = datetime(2026, 1, 31, 12, tzinfo=UTC)
FIRST, SECOND = "mer_first", "mer_second"


def payment_id(number: int) -> str:
    return f"pay_{number:032x}"


def view(number: int, sequence: int = 1, merchant: str = FIRST, at_s: float = 0, **changed: Any) -> View:
    """Payment `number`, made `at_s` seconds after START, with some of its members changed."""
    at = START + timedelta(seconds=at_s)
    terms = PaymentTerms(Money(1999, "usd"), "pm_card_visa")
    payment = Payment(PaymentStatus.CAPTURED, terms, at, at)
    transaction = Transaction(payment_id(number), merchant, sequence, payment)
    return {**payment_view(transaction, livemode=False), **changed}


def refund(number: int, status: str = "pending", at_s: float = 0) -> View:
    at = rfc3339(START + timedelta(seconds=at_s))
    return {
        "id": f"re_{number:032x}",
        "object": "refund",
        "status": status,
        "amount": 500,
        "reason": None,
        "failure_reason": None,
        "metadata": {},
        "created_at": at,
        "updated_at": at,
    }


def change(payment: View, type: str = "payment.captured.v1", **data: Any) -> Change:
    """The event that led to `payment`."""
    return Change(event(payment["id"], payment["sequence"], payment["merchant"], type, **data), payment)


def refusal(payment: View, sequence: int, sender: str) -> Change:
    """A command that `sender` sent about `payment` and that was refused."""
    refused = event(payment["id"], sequence, payment["merchant"], "command.refused.v1", sender=sender)
    return Change(refused, {**payment, "sequence": sequence})


def event(payment_id: str, sequence: int, merchant: str, type: str, **data: Any) -> EventRecord:
    id, cause = f"event-{payment_id}-{sequence}", f"command-{sequence}"
    body = {
        "id": id,
        "object": "event",
        "type": type,
        "payment": payment_id,
        "sequence": sequence,
        "data": data,
    }
    return EventRecord(id, type, payment_id, merchant, sequence, START, cause, body)
