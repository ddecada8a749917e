"""What somebody wants. Imperative names; each carries its `Origin`. Deciding is not done here.

The public ones come from any door; the internal ones (outcome, check, notice) only from Millrace's own processes.
"""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime

from models.provider import Outcome, Snapshot
from models.terms import PaymentTerms


@dataclass(frozen=True, slots=True)
class Origin:
    """Who wants it, of which payment, and since when. `source`: who sent it, by its own word; None: not said.

    `command_id`: the same id on the same payment is the same command, once and for ever. `at`: when the broker appended
    it (the time of all that it leads to). `age_s`: how long it had lain in the log when it was decided.
    """

    command_id: str
    payment_id: str
    merchant: str
    at: datetime
    age_s: int = 0
    source: str | None = None


@dataclass(frozen=True, slots=True)
class CreatePayment:
    origin: Origin
    terms: PaymentTerms


@dataclass(frozen=True, slots=True)
class CapturePayment:
    """Capture `amount_minor`, by default all that is left; `final` releases the rest."""

    origin: Origin
    amount_minor: int | None = None
    final: bool = True


@dataclass(frozen=True, slots=True)
class CancelPayment:
    origin: Origin
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class CreateRefund:
    """Refund `amount_minor`, by default all that is left; refused if what is left is not `expected_refundable_minor`."""

    origin: Origin
    refund_id: str
    amount_minor: int | None = None
    reason: str | None = None
    expected_refundable_minor: int | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResolvePayment:
    """`operator` has looked at a payment in doubt, or at its refund `refund_id`, and found `resolution`, as `evidence` tells.

    `amount_minor`: what was captured or authorised in all, by default all of it. `intent`: the provider's payment, where
    it is not known yet.
    """

    origin: Origin
    resolution: str
    evidence: str
    operator: str
    refund_id: str | None = None
    amount_minor: int | None = None
    intent: str | None = None


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field. Never holds the offending value: it may be a card number."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class InvalidCommand:
    """A public command that was read but breaks the rules of its shape; it will be refused."""

    origin: Origin
    type: str
    content: str
    errors: tuple[FieldError, ...]


@dataclass(frozen=True, slots=True)
class RecordOutcome:
    """What the provider call `call_key` came to."""

    origin: Origin
    call_key: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class CheckPayment:
    """Time has come to look after the calls of this payment that are still open."""

    origin: Origin


@dataclass(frozen=True, slots=True)
class RecordNotice:
    """The provider told us unasked (a verified webhook). A hint: it only ever moves a payment forward.

    `account`: in whose name it was told; who holds one account can write what they like of their own payments.
    `request`: the provider's name for the request that it tells of, where it was one.
    """

    origin: Origin
    notice_id: str
    notice_type: str
    snapshot: Snapshot
    account: str | None = None
    request: str | None = None


PublicCommand = (
    CreatePayment | CapturePayment | CancelPayment | CreateRefund | ResolvePayment | InvalidCommand
)
InternalCommand = RecordOutcome | CheckPayment | RecordNotice
Command = PublicCommand | InternalCommand


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def fingerprint(command: PublicCommand) -> str:
    """A digest of what was asked, without what was left out: a key reused with another body shows by it."""
    match command:
        case CreatePayment(_, terms):
            asked: dict[str, object] = {
                "amount": terms.money.amount_minor,
                "currency": terms.money.currency,
                **{name: getattr(terms, name) for name in PaymentTerms.__slots__ if name != "money"},
            }
        case InvalidCommand():
            asked = {"type": command.type, "content": command.content}
        case _:
            asked = {name: getattr(command, name) for name in type(command).__slots__ if name != "origin"}
    given = {name: value for name, value in asked.items() if value is not None}
    text = _CANONICAL.encode([type(command).__name__, given])
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
