"""What is said next, and what the provider is asked for it: calls under keys of their own. When to ask is not decided here."""

from dataclasses import dataclass

from models.commands import Origin
from models.errors import InvariantBroken
from models.events import EventData, PaymentReadRequested
from models.provider import Ask, Operation, PspCall, ReadIntent, RefundIntent
from models.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Said:
    """An event before it is numbered: what happened, and the public command it opens or answers."""

    data: EventData
    opens: str | None = None
    settles: str | None = None
    fingerprint: str | None = None


def intent_of(known: Transaction) -> str:
    if known.payment is None or known.payment.intent is None:
        raise InvariantBroken(f"{known.id} is past its creation and has no intent")
    return known.payment.intent


def asked(
    known: Transaction, origin: Origin, operation: Operation, ask: Ask, account: str | None = None
) -> PspCall:
    """The next call of its kind: under a key that no other call has, or ever had. `account`: of a payment that is new."""
    name = f"{operation}-{ask.refund_id}" if isinstance(ask, RefundIntent) else operation.value
    attempt = known.attempts.get(name, 0) + 1
    merchant = known.merchant or origin.merchant
    account = known.payment.account if known.payment else account
    return PspCall(f"{known.id}:{name}:{attempt}", operation, known.id, merchant, origin.at, ask, account)


def look(known: Transaction, intent: str, reason: str, origin: Origin) -> PaymentReadRequested:
    """Ask the provider how `intent` stands: what it answers counts, if it is this payment's at all."""
    return PaymentReadRequested(reason, asked(known, origin, Operation.READ, ReadIntent(intent)))
