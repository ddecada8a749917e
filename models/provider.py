"""What is asked of the payment provider and what it can answer, in our words. No vendor's word, no network here.

Members of a union carry a `kind`, so that they can be told apart when they are read back from bytes.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from models.money import Money
from models.policy import Velocity
from models.terms import PaymentTerms


class Operation(StrEnum):
    SCREEN = "screen"
    CREATE = "create"
    CAPTURE = "capture"
    CANCEL = "cancel"
    REFUND = "refund"
    READ = "read"


@dataclass(frozen=True, slots=True)
class ScreenCustomer:
    """Whether `customer` may pay `money` more, by what all their payments came to within the hour. Before anything is sent:
    the answer is an event, so whatever dies, a payment is never sent that was turned away, or turned away that was sent.
    """

    customer: str
    money: Money
    velocity: Velocity
    kind: Literal["screen"] = "screen"


@dataclass(frozen=True, slots=True)
class CreateIntent:
    """Create and confirm one payment intent. One payment of ours is one intent for its whole life.

    `payment_method_types`: what the method may be, in the provider's words; None: whatever the account takes.
    """

    terms: PaymentTerms
    payment_method_types: tuple[str, ...] | None = None
    kind: Literal["create"] = "create"


@dataclass(frozen=True, slots=True)
class CaptureIntent:
    intent: str
    amount_minor: int
    final: bool
    kind: Literal["capture"] = "capture"


@dataclass(frozen=True, slots=True)
class CancelIntent:
    intent: str
    reason: str | None = None
    kind: Literal["cancel"] = "cancel"


@dataclass(frozen=True, slots=True)
class RefundIntent:
    intent: str
    refund_id: str
    amount_minor: int
    reason: str | None = None
    kind: Literal["refund"] = "refund"


@dataclass(frozen=True, slots=True)
class ReadIntent:
    """Look how the intent stands. It moves nothing, so it may be asked any number of times."""

    intent: str
    kind: Literal["read"] = "read"


Ask = ScreenCustomer | CreateIntent | CaptureIntent | CancelIntent | RefundIntent | ReadIntent


@dataclass(frozen=True, slots=True)
class PspCall:
    """One call to the provider, frozen when it was first asked for: every send under `key` carries just this.

    `key` is `{payment_id}:{operation}:{attempt}` (a refund's operation is `refund-{refund_id}`); the attempt rises only
    after a definitive failure. `requested_at` bounds the key's age: the provider forgets keys after a day. A read is sent
    without its key, which only names it here. `account`: of the provider's, the payment's own for ever, for in another one
    the same key would charge again.
    """

    key: str
    operation: Operation
    payment_id: str
    merchant: str
    requested_at: datetime
    ask: Ask
    account: str | None = None


class IntentStatus(StrEnum):
    """Where the provider says a payment stands."""

    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    CANCELED = "canceled"
    FAILED = "failed"  # the last attempt to pay failed; the intent itself could be used again


class RefundStatus(StrEnum):
    """Where a refund stands; the provider's word, and ours for the refund."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    UNKNOWN = "unknown"
    MANUAL_REVIEW = "manual_review"


class DisputeStatus(StrEnum):
    """Where a dispute stands, in Stripe's own words. A `warning` is an inquiry: no money has moved yet.

    Source: Stripe, disputes, `status`.
    """

    WARNING_NEEDS_RESPONSE = "warning_needs_response"
    WARNING_UNDER_REVIEW = "warning_under_review"
    WARNING_CLOSED = "warning_closed"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"
    PREVENTED = "prevented"


@dataclass(frozen=True, slots=True)
class Decline:
    """Why the payment was declined. `advice` is ours and tells the client what helps, `rule` names the merchant's that said no;
    the rest is the provider's, the network's (`network_code`) or the issuer's word, as it came.
    """

    code: str
    decline_code: str | None = None
    advice: str | None = None
    message: str = ""
    advice_code: str | None = None
    network_code: str | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class IntentSnapshot:
    """A payment as the provider showed it once. Amounts in minor units of the payment's currency."""

    intent: str
    status: IntentStatus
    currency: str
    amount_minor: int
    amount_capturable_minor: int = 0
    amount_captured_minor: int = 0
    charge: str | None = None
    authorized_until: datetime | None = None
    next_action: dict[str, object] | None = None
    cancellation_reason: str | None = None
    decline: Decline | None = None
    client_secret: str | None = None
    kind: Literal["intent"] = "intent"


@dataclass(frozen=True, slots=True)
class RefundSnapshot:
    """A refund as the provider showed it once. `refund_id` is ours, from the metadata we sent along."""

    refund_id: str
    provider_refund: str
    status: RefundStatus
    currency: str
    amount_minor: int
    failure_reason: str | None = None
    kind: Literal["refund"] = "refund"


@dataclass(frozen=True, slots=True)
class DisputeSnapshot:
    """A dispute as the provider showed it once; `amount_minor` in minor units of `currency`, the dispute's own.

    `withdrawn` and `reinstated`: whether the provider took the money from us for it, and gave it back. `refundable`:
    whether the charge may still be refunded, as it may during an inquiry.
    """

    dispute_id: str
    intent: str
    status: DisputeStatus
    currency: str
    amount_minor: int
    reason: str | None = None
    respond_by: datetime | None = None
    withdrawn: bool = False
    reinstated: bool = False
    refundable: bool = False
    kind: Literal["dispute"] = "dispute"


Snapshot = IntentSnapshot | RefundSnapshot | DisputeSnapshot


SENDS_TOLD_MAX = 16
"""Of one call: a slot's sends are five, and what is more is pages of a search."""


@dataclass(frozen=True, slots=True)
class Send:
    """One request to the provider: what was asked, how it ended, and the provider's own name for it if it gave one."""

    asked: str
    ended: str
    request: str | None = None


@dataclass(frozen=True, slots=True)
class _Learned:
    """`sends`: how it was learned, in order, at most SENDS_TOLD_MAX. No part of what it says: the same answer is the same,
    however often it was asked for.
    """

    sends: tuple[Send, ...] = field(default=(), kw_only=True, compare=False)


@dataclass(frozen=True, slots=True)
class Answered(_Learned):
    """The provider answered and this is how the thing stands now."""

    snapshot: Snapshot
    kind: Literal["answered"] = "answered"


@dataclass(frozen=True, slots=True)
class Declined(_Learned):
    """The issuer or the provider's risk rules said no. Terminal for this attempt."""

    decline: Decline
    intent: str | None = None
    kind: Literal["declined"] = "declined"


@dataclass(frozen=True, slots=True)
class Rejected(_Learned):
    """The provider refused the call itself; it was not executed."""

    code: str
    message: str
    kind: Literal["rejected"] = "rejected"


@dataclass(frozen=True, slots=True)
class Unknown(_Learned):
    """The call may have reached the provider and how it ended is not known. Never a failure."""

    reason: str
    kind: Literal["unknown"] = "unknown"


@dataclass(frozen=True, slots=True)
class Deferred(_Learned):
    """The call was certainly not carried out: it could not be sent, or was turned away before it was looked at."""

    reason: str
    kind: Literal["deferred"] = "deferred"


@dataclass(frozen=True, slots=True)
class Screened(_Learned):
    """Whether the customer may pay this; `reason`, for people, where they may not."""

    admitted: bool
    reason: str = ""
    kind: Literal["screened"] = "screened"


Outcome = Answered | Declined | Rejected | Unknown | Deferred | Screened
