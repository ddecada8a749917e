"""What happened, in the past tense. An `Event` is numbered and timed; its `data` says what. Facts only, no decisions."""

from dataclasses import dataclass
from datetime import datetime

from models.codes import Code
from models.commands import FieldError
from models.provider import Decline, DisputeStatus, PspCall
from models.terms import PaymentTerms


@dataclass(frozen=True, slots=True)
class PaymentRequested:
    """The durable intent to charge: from here on the call may have been made."""

    terms: PaymentTerms
    call: PspCall


@dataclass(frozen=True, slots=True)
class PaymentScreened:
    """Nothing that the customer paid lately stands against it: now the provider is asked."""

    call: PspCall


@dataclass(frozen=True, slots=True)
class PaymentProcessing:
    """The provider has accepted the payment and its method takes its time."""

    intent: str
    charge: str | None


@dataclass(frozen=True, slots=True)
class PaymentActionRequired:
    """The customer must do something. If nobody has by `abandon_at`, the payment is given up (None: never)."""

    intent: str
    next_action: dict[str, object] | None
    client_secret: str | None = None
    abandon_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PaymentAuthorized:
    intent: str
    charge: str | None
    amount_minor: int
    authorized_until: datetime | None


@dataclass(frozen=True, slots=True)
class PaymentAuthorizationExpiring:
    """What is not captured by `authorized_until` is released by the provider."""

    authorized_until: datetime


@dataclass(frozen=True, slots=True)
class PaymentCaptureRequested:
    amount_minor: int
    final: bool
    call: PspCall


@dataclass(frozen=True, slots=True)
class PaymentCaptured:
    """`amount_captured_minor` is the total now captured; not `final` while the rest can still be captured."""

    intent: str
    charge: str | None
    amount_captured_minor: int
    final: bool


@dataclass(frozen=True, slots=True)
class PaymentCancelRequested:
    """`abandon_at`: when it is tried again, if the customer still has not acted; None: as was said before."""

    reason: str | None
    call: PspCall
    abandon_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PaymentCanceled:
    reason: str | None
    intent: str | None = None
    charge: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentDeclined:
    """`call` cancels the intent at the provider: a declined one could still be paid by a customer who tries again."""

    decline: Decline
    intent: str | None
    call: PspCall | None = None


@dataclass(frozen=True, slots=True)
class PaymentOutcomeUnknown:
    """How `call_key` ended is not known; it is tried again under the same key at `next_check_at`."""

    call_key: str
    reason: str
    next_check_at: datetime


@dataclass(frozen=True, slots=True)
class RefundOutcomeUnknown:
    refund_id: str
    call_key: str
    reason: str
    next_check_at: datetime


@dataclass(frozen=True, slots=True)
class CallDeferred:
    """`call_key` was not carried out; it is tried again under the same key at `next_check_at`."""

    call_key: str
    reason: str
    next_check_at: datetime


@dataclass(frozen=True, slots=True)
class CallRepeated:
    """An open call is asked for again, with the same key and the same parameters."""

    call: PspCall
    next_check_at: datetime


@dataclass(frozen=True, slots=True)
class CallEnded:
    """`call_key`, for which no command waits, is over; what it led to besides, other events say."""

    call_key: str
    result: str


@dataclass(frozen=True, slots=True)
class PaymentReadRequested:
    """The provider told what does not follow from what is known here, or nothing for long: it is asked how the payment stands."""

    reason: str
    call: PspCall


@dataclass(frozen=True, slots=True)
class ReviewResolved:
    """A person has looked at what no machine could know: the events behind this one are what `operator` found.

    `refund_id`: the refund it is about; None: the payment itself.
    """

    resolution: str
    evidence: str
    operator: str
    refund_id: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentReviewRequired:
    """Only a person can say what happened. `call_key`: the call given up, if one was open; `intent`: what there is of it."""

    reason: str
    call_key: str | None
    intent: str | None = None


@dataclass(frozen=True, slots=True)
class RefundReviewRequired:
    refund_id: str
    reason: str
    call_key: str | None


@dataclass(frozen=True, slots=True)
class RefundRequested:
    refund_id: str
    amount_minor: int
    reason: str | None
    metadata: dict[str, str]
    call: PspCall


@dataclass(frozen=True, slots=True)
class RefundPending:
    """The provider has accepted the refund and it takes its time."""

    refund_id: str
    provider_refund: str


@dataclass(frozen=True, slots=True)
class RefundSucceeded:
    refund_id: str
    provider_refund: str | None


@dataclass(frozen=True, slots=True)
class RefundFailed:
    """Also after it had succeeded: the money is refundable again."""

    refund_id: str
    provider_refund: str | None
    failure_reason: str | None


@dataclass(frozen=True, slots=True)
class RefundCanceled:
    refund_id: str
    provider_refund: str | None


@dataclass(frozen=True, slots=True)
class DisputeOpened:
    """`amount_minor` is in minor units of `currency`, the dispute's own; evidence can be given until `respond_by`.

    `withdrawn` and `reinstated`: whether the money was taken for it, and given back. `refundable`: the payment may still be
    refunded, as it may during an inquiry.
    """

    dispute_id: str
    status: DisputeStatus
    amount_minor: int
    currency: str
    reason: str | None
    respond_by: datetime | None
    withdrawn: bool
    reinstated: bool
    refundable: bool


@dataclass(frozen=True, slots=True)
class DisputeUpdated:
    dispute_id: str
    status: DisputeStatus
    amount_minor: int
    respond_by: datetime | None
    withdrawn: bool
    reinstated: bool
    refundable: bool


@dataclass(frozen=True, slots=True)
class DisputeClosed:
    """Money that a closed dispute gives back may come later: then an update follows."""

    dispute_id: str
    status: DisputeStatus
    amount_minor: int
    withdrawn: bool
    reinstated: bool
    refundable: bool


@dataclass(frozen=True, slots=True)
class CommandRefused:
    """The command changes nothing. `sender` is the merchant who sent it; it may not be the payment's own.

    `rule`: the name of the rule that objected, where one did.
    """

    code: Code
    message: str
    sender: str
    errors: tuple[FieldError, ...] = ()
    rule: str | None = None


PaymentEvent = (
    PaymentRequested
    | PaymentScreened
    | PaymentProcessing
    | PaymentActionRequired
    | PaymentAuthorized
    | PaymentAuthorizationExpiring
    | PaymentCaptureRequested
    | PaymentCaptured
    | PaymentCancelRequested
    | PaymentCanceled
    | PaymentDeclined
    | PaymentOutcomeUnknown
    | PaymentReviewRequired
)
RefundEvent = (
    RefundRequested
    | RefundPending
    | RefundSucceeded
    | RefundFailed
    | RefundCanceled
    | RefundOutcomeUnknown
    | RefundReviewRequired
)
DisputeEvent = DisputeOpened | DisputeUpdated | DisputeClosed
CallEvent = CallDeferred | CallRepeated | CallEnded | PaymentReadRequested
EventData = PaymentEvent | RefundEvent | DisputeEvent | CallEvent | ReviewResolved | CommandRefused


@dataclass(frozen=True, slots=True)
class Event:
    """One fact of one payment's story: `sequence` is 1, 2, 3 … without gaps.

    `caused_by` is the id of the command that was being decided. `opens` and `settles` are the public commands (by the
    name they are remembered under) that are now under way, or answered, by this event. `fingerprint` is remembered
    beside an opened or refused command, so that a retry is known for what it is.
    """

    id: str
    payment_id: str
    merchant: str
    sequence: int
    at: datetime
    caused_by: str
    data: EventData
    opens: str | None = None
    settles: str | None = None
    fingerprint: str | None = None
