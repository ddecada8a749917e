"""The simulator's objects as immutable records, in the order in which the journal writes their fields.

No behaviour and no JSON in Stripe's shape here: see `render`. Fields are only ever appended at the end, with a default,
so that an older journal still loads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

JSON: TypeAlias = dict[str, Any]


class Intent(NamedTuple):
    """A PaymentIntent. `details` are the texts that are only echoed (description, customer, return_url, …)."""

    id: str
    account: str
    seq: int
    created: int
    livemode: bool
    amount: int
    currency: str
    capture_method: str
    status: str
    method: str | None  # token of the methods table
    method_id: str | None
    method_types: Sequence[str]
    redirects: str | None  # automatic_payment_methods[allow_redirects]; None: not automatic
    multicapture: bool
    metadata: Mapping[str, str]
    details: Mapping[str, str]
    amount_capturable: int = 0
    amount_received: int = 0
    charges: Sequence[str] = ()
    failure: str | None = None  # the last attempt's decline
    off_session: bool = False
    canceled_at: int | None = None
    cancellation_reason: str | None = None
    next_action: str | None = None  # redirect_to_url or use_stripe_sdk


class Charge(NamedTuple):
    id: str
    account: str
    seq: int
    created: int
    livemode: bool
    intent: str
    amount: int
    currency: str
    status: str  # succeeded, pending, failed
    method: str
    method_id: str
    captured: bool = False
    amount_captured: int = 0
    amount_refunded: int = 0
    failure: str | None = None
    disputed: bool = False
    released: bool = False  # an authorisation given back uncaptured
    capture_before: int | None = None
    refunds: Sequence[str] = ()
    dispute: str | None = None  # the latest one, an inquiry included


class Refund(NamedTuple):
    id: str
    account: str
    seq: int
    created: int
    livemode: bool
    charge: str
    intent: str
    amount: int
    currency: str
    status: str  # pending, succeeded, failed, canceled
    reason: str | None
    metadata: Mapping[str, str]
    failure_reason: str | None = None


class Dispute(NamedTuple):
    id: str
    account: str
    seq: int
    created: int
    livemode: bool
    charge: str
    intent: str
    amount: int
    currency: str
    status: str
    reason: str
    due_by: int
    evidence: Mapping[str, str] = {}
    metadata: Mapping[str, str] = {}
    transactions: Sequence[str] = ()  # money taken, and money given back

    @property
    def refundable(self) -> bool:
        """An inquiry has taken nothing yet, and what was won is there again."""
        return self.status == "won" or self.status.startswith("warning")


class Transaction(NamedTuple):
    """A BalanceTransaction: what one thing did to the account's balance."""

    id: str
    account: str
    seq: int
    created: int
    livemode: bool
    source: str
    amount: int  # below zero: it left the account
    currency: str
    type: str
    category: str  # Stripe's reporting category


class Customer(NamedTuple):
    id: str
    account: str
    seq: int
    created: int
    livemode: bool
    metadata: Mapping[str, str]
    details: Mapping[str, str]  # name, email, phone, description, default_payment_method
    deleted: bool = False


class SavedMethod(NamedTuple):
    """A PaymentMethod that somebody made, looked at or attached; the ones that only paid are in their intents."""

    id: str
    account: str
    seq: int
    created: int
    livemode: bool
    token: str  # of the methods table
    customer: str | None
    metadata: Mapping[str, str]
    billing: JSON  # only echoed
    set_up: bool = False  # its customer has authenticated for later payments
    detached: bool = False  # it may not be used again


Payable: TypeAlias = Intent | Charge | Refund | Dispute  # what the ledger has lines about
Record: TypeAlias = Payable | Transaction | Customer | SavedMethod


class Event(NamedTuple):
    """An Event: the version of the object it tells of is shared with the books, not copied."""

    id: str
    account: str
    seq: int
    created: int
    livemode: bool
    type: str
    snapshot: Record
    request_id: str | None
    key: str | None
    previous: JSON | None


class Entry(NamedTuple):
    """One line of the ledger: money that moved, or was refused, and with which key."""

    seq: int
    at: float
    kind: str  # charge, capture, cancel, refund, dispute
    outcome: str  # succeeded, authorized, pending, failed, refused, canceled, …
    amount: int | None
    currency: str | None
    account: str
    payment: str | None
    refund: str | None
    payment_intent: str | None
    charge: str | None
    object: str | None  # the refund's or the dispute's own id
    idempotency_key: str | None
    request: str | None
    code: str | None


KINDS: dict[str, type[Any]] = {
    "i": Intent,
    "c": Charge,
    "r": Refund,
    "d": Dispute,
    "t": Transaction,
    "u": Customer,
    "m": SavedMethod,
}
LETTERS: dict[type[Any], str] = {record: letter for letter, record in KINDS.items()}
