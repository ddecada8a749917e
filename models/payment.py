"""The payment: its statuses, the one table of its legal moves, and what is known of it. Who may move it is decided elsewhere."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never

from models.events import (
    EventData,
    PaymentActionRequired,
    PaymentAuthorizationExpiring,
    PaymentAuthorized,
    PaymentCanceled,
    PaymentCancelRequested,
    PaymentCaptured,
    PaymentCaptureRequested,
    PaymentDeclined,
    PaymentEvent,
    PaymentOutcomeUnknown,
    PaymentProcessing,
    PaymentRequested,
    PaymentReviewRequired,
    PaymentScreened,
)
from models.provider import Decline
from models.terms import PaymentTerms


class PaymentStatus(StrEnum):
    PROCESSING = "processing"
    REQUIRES_ACTION = "requires_action"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    DECLINED = "declined"
    CANCELED = "canceled"
    UNKNOWN = "unknown"
    MANUAL_REVIEW = "manual_review"


class PaymentMove(StrEnum):
    """What can happen to a payment, as the table below names it."""

    REQUESTED = "requested"
    SCREENED = "screened"
    STILL_PROCESSING = "still_processing"
    ACTION_REQUIRED = "action_required"
    AUTHORIZED = "authorized"
    AUTHORIZATION_EXPIRING = "authorization_expiring"
    CAPTURE_REQUESTED = "capture_requested"
    CAPTURED_IN_PART = "captured_in_part"
    CAPTURED = "captured"
    CANCEL_REQUESTED = "cancel_requested"
    CANCELED = "canceled"
    DECLINED = "declined"
    OUTCOME_UNKNOWN = "outcome_unknown"
    REVIEW_REQUIRED = "review_required"


_S, _M = PaymentStatus, PaymentMove

IN_DOUBT = frozenset({_S.UNKNOWN, _S.MANUAL_REVIEW})
"""How it ends nobody knows yet."""

CAME_TO_NOTHING = frozenset({_S.DECLINED, _S.CANCELED})

TRANSITIONS: dict[tuple[PaymentStatus | None, PaymentMove], PaymentStatus] = {
    (None, _M.REQUESTED): _S.PROCESSING,
    (_S.PROCESSING, _M.SCREENED): _S.PROCESSING,
    (_S.PROCESSING, _M.STILL_PROCESSING): _S.PROCESSING,
    (_S.PROCESSING, _M.ACTION_REQUIRED): _S.REQUIRES_ACTION,
    (_S.PROCESSING, _M.AUTHORIZED): _S.AUTHORIZED,
    (_S.PROCESSING, _M.CAPTURED): _S.CAPTURED,
    (_S.PROCESSING, _M.CANCEL_REQUESTED): _S.PROCESSING,
    (_S.PROCESSING, _M.CANCELED): _S.CANCELED,
    (_S.PROCESSING, _M.DECLINED): _S.DECLINED,
    (_S.PROCESSING, _M.OUTCOME_UNKNOWN): _S.UNKNOWN,
    (_S.PROCESSING, _M.REVIEW_REQUIRED): _S.MANUAL_REVIEW,
    (_S.REQUIRES_ACTION, _M.STILL_PROCESSING): _S.PROCESSING,
    (_S.REQUIRES_ACTION, _M.AUTHORIZED): _S.AUTHORIZED,
    (_S.REQUIRES_ACTION, _M.CAPTURED): _S.CAPTURED,
    (_S.REQUIRES_ACTION, _M.CANCEL_REQUESTED): _S.REQUIRES_ACTION,
    (_S.REQUIRES_ACTION, _M.CANCELED): _S.CANCELED,
    (_S.REQUIRES_ACTION, _M.DECLINED): _S.DECLINED,
    (_S.REQUIRES_ACTION, _M.OUTCOME_UNKNOWN): _S.UNKNOWN,
    (_S.REQUIRES_ACTION, _M.REVIEW_REQUIRED): _S.MANUAL_REVIEW,
    (_S.AUTHORIZED, _M.AUTHORIZED): _S.AUTHORIZED,  # until when is learned later than that
    (_S.AUTHORIZED, _M.AUTHORIZATION_EXPIRING): _S.AUTHORIZED,
    (_S.AUTHORIZED, _M.CAPTURE_REQUESTED): _S.AUTHORIZED,
    (_S.AUTHORIZED, _M.CAPTURED_IN_PART): _S.AUTHORIZED,
    (_S.AUTHORIZED, _M.CAPTURED): _S.CAPTURED,
    (_S.AUTHORIZED, _M.CANCEL_REQUESTED): _S.AUTHORIZED,
    (_S.AUTHORIZED, _M.CANCELED): _S.CANCELED,
    (_S.AUTHORIZED, _M.OUTCOME_UNKNOWN): _S.UNKNOWN,
    (_S.AUTHORIZED, _M.REVIEW_REQUIRED): _S.MANUAL_REVIEW,
    (_S.UNKNOWN, _M.STILL_PROCESSING): _S.PROCESSING,
    (_S.UNKNOWN, _M.ACTION_REQUIRED): _S.REQUIRES_ACTION,
    (_S.UNKNOWN, _M.AUTHORIZED): _S.AUTHORIZED,
    (_S.UNKNOWN, _M.CAPTURED_IN_PART): _S.AUTHORIZED,
    (_S.UNKNOWN, _M.CAPTURED): _S.CAPTURED,
    (_S.UNKNOWN, _M.CANCELED): _S.CANCELED,
    (_S.UNKNOWN, _M.DECLINED): _S.DECLINED,
    (_S.UNKNOWN, _M.OUTCOME_UNKNOWN): _S.UNKNOWN,
    (_S.UNKNOWN, _M.REVIEW_REQUIRED): _S.MANUAL_REVIEW,
    # money moved although we had said it would not: nothing but a person may say what that means
    (_S.DECLINED, _M.REVIEW_REQUIRED): _S.MANUAL_REVIEW,
    (_S.CANCELED, _M.REVIEW_REQUIRED): _S.MANUAL_REVIEW,
    # a captured payment is captured for good; what was given up can still be settled by evidence
    (_S.MANUAL_REVIEW, _M.AUTHORIZED): _S.AUTHORIZED,
    (_S.MANUAL_REVIEW, _M.CAPTURED_IN_PART): _S.AUTHORIZED,
    (_S.MANUAL_REVIEW, _M.CAPTURED): _S.CAPTURED,
    (_S.MANUAL_REVIEW, _M.CANCELED): _S.CANCELED,
    (_S.MANUAL_REVIEW, _M.DECLINED): _S.DECLINED,
}
"""The one source of what may follow what: `evolve` looks it up, and what is not in it does not happen."""

_MOVES: dict[type[PaymentEvent], PaymentMove] = {
    PaymentRequested: _M.REQUESTED,
    PaymentScreened: _M.SCREENED,
    PaymentProcessing: _M.STILL_PROCESSING,
    PaymentActionRequired: _M.ACTION_REQUIRED,
    PaymentAuthorized: _M.AUTHORIZED,
    PaymentAuthorizationExpiring: _M.AUTHORIZATION_EXPIRING,
    PaymentCaptureRequested: _M.CAPTURE_REQUESTED,
    PaymentCancelRequested: _M.CANCEL_REQUESTED,
    PaymentCanceled: _M.CANCELED,
    PaymentDeclined: _M.DECLINED,
    PaymentOutcomeUnknown: _M.OUTCOME_UNKNOWN,
    PaymentReviewRequired: _M.REVIEW_REQUIRED,
}


def move(event: PaymentEvent) -> PaymentMove:
    if isinstance(event, PaymentCaptured):
        return _M.CAPTURED if event.final else _M.CAPTURED_IN_PART
    return _MOVES[type(event)]


def is_an_end(data: EventData) -> bool:
    """Whether no capture or cancellation can come after it: one that is under way has come to nothing."""
    return isinstance(data, PaymentCanceled | PaymentDeclined | PaymentReviewRequired) or (
        isinstance(data, PaymentCaptured) and data.final
    )


@dataclass(frozen=True, slots=True)
class Payment:
    """What is known of a payment. Amounts in minor units of `terms.money.currency`; times as the broker told them."""

    status: PaymentStatus
    terms: PaymentTerms
    created_at: datetime
    updated_at: datetime
    amount_authorized_minor: int = 0
    amount_captured_minor: int = 0
    account: str | None = None  # of the provider's; None: the one that is everybody's
    intent: str | None = None
    charge: str | None = None
    next_action: dict[str, object] | None = None
    client_secret: str | None = None
    abandon_at: datetime | None = None
    decline: Decline | None = None
    cancellation_reason: str | None = None
    authorized_until: datetime | None = None
    expiry_told: bool = False
    captured_at: datetime | None = None
    unknown_since: datetime | None = None
    review_reason: str | None = None
    reviewed_after: PaymentStatus | None = None
    looked_at: datetime | None = None

    @property
    def has_ended(self) -> bool:
        """Whether its client was told that it came to nothing, whatever a person has to look at since."""
        return self.status in CAME_TO_NOTHING or self.reviewed_after in CAME_TO_NOTHING

    @property
    def amount_capturable_minor(self) -> int:
        """What a capture may still take: nothing unless the payment is authorised."""
        if self.status is not PaymentStatus.AUTHORIZED:
            return 0
        return self.amount_authorized_minor - self.amount_captured_minor


_OVER = (
    "next_action",
    "client_secret",
    "abandon_at",
    "unknown_since",
    "review_reason",
    "reviewed_after",
    "looked_at",
)
"""Members of what holds until the payment moves."""


def after(was: Payment, status: PaymentStatus, at: datetime, data: PaymentEvent) -> Payment:
    """The payment `was`, once `data` has happened to it and made it `status`."""
    changed: dict[str, Any] = dict.fromkeys(_OVER) | _changed(was, at, data)
    return replace(was, status=status, updated_at=at, **changed)


def _customers_step(was: Payment) -> dict[str, Any]:
    """What the customer must do is still to be done."""
    return {
        "next_action": was.next_action,
        "client_secret": was.client_secret,
        "abandon_at": was.abandon_at,
    }


def _changed(was: Payment, at: datetime, data: PaymentEvent) -> dict[str, Any]:
    match data:
        case PaymentProcessing(intent, charge):
            return {"intent": intent, "charge": charge or was.charge}
        case PaymentActionRequired(intent, next_action, client_secret, abandon_at):
            return {
                "intent": intent,
                "next_action": next_action,
                "client_secret": client_secret,
                "abandon_at": abandon_at,
            }
        case PaymentAuthorized(intent, charge, amount, until):
            return {
                "intent": intent,
                "charge": charge or was.charge,
                "amount_authorized_minor": amount,
                "authorized_until": until or was.authorized_until,
            }
        case PaymentAuthorizationExpiring():
            return {"expiry_told": True}
        case PaymentCaptured(intent, charge, captured, final):
            return {
                "intent": intent,
                "charge": charge or was.charge,
                # what was captured had been authorised as a whole, whether or not we were told
                "amount_authorized_minor": max(
                    was.amount_authorized_minor or was.terms.money.amount_minor, captured
                ),
                "amount_captured_minor": captured,
                "captured_at": was.captured_at or at,
                "authorized_until": None if final else was.authorized_until,
            }
        case PaymentCanceled(reason, intent, charge):
            return {
                "cancellation_reason": reason,
                "intent": intent or was.intent,
                "charge": charge or was.charge,
                "authorized_until": None,
            }
        case PaymentDeclined(decline, intent):
            return {"decline": decline, "intent": intent or was.intent}
        case PaymentOutcomeUnknown():
            return {"unknown_since": was.unknown_since or at} | _customers_step(was)
        case PaymentReviewRequired(reason):
            return {
                "review_reason": reason,
                "reviewed_after": was.status,
                "unknown_since": was.unknown_since,
                "intent": data.intent or was.intent,
            }
        case PaymentCancelRequested():
            return _customers_step(was) | {"abandon_at": data.abandon_at or was.abandon_at}
        case PaymentRequested() | PaymentScreened() | PaymentCaptureRequested():
            return _customers_step(was)
    assert_never(data)
