"""The refund: the one table of its legal moves, and what is known of it. How much may be refunded is the transaction's."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from models.events import (
    RefundCanceled,
    RefundEvent,
    RefundFailed,
    RefundOutcomeUnknown,
    RefundPending,
    RefundRequested,
    RefundReviewRequired,
    RefundSucceeded,
)
from models.provider import RefundStatus


class RefundMove(StrEnum):
    REQUESTED = "requested"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    OUTCOME_UNKNOWN = "outcome_unknown"
    REVIEW_REQUIRED = "review_required"


_S, _M = RefundStatus, RefundMove

TRANSITIONS: dict[tuple[RefundStatus | None, RefundMove], RefundStatus] = {
    (None, _M.REQUESTED): _S.PENDING,
    **{(status, _M.PENDING): _S.PENDING for status in (_S.PENDING, _S.UNKNOWN, _S.MANUAL_REVIEW)},
    **{(status, _M.SUCCEEDED): _S.SUCCEEDED for status in (_S.PENDING, _S.UNKNOWN, _S.MANUAL_REVIEW)},
    # `succeeded` is not final: it can fail up to 30 days later, and the money returns
    **{(status, _M.FAILED): _S.FAILED for status in (_S.PENDING, _S.UNKNOWN, _S.MANUAL_REVIEW, _S.SUCCEEDED)},
    **{(status, _M.CANCELED): _S.CANCELED for status in (_S.PENDING, _S.UNKNOWN, _S.MANUAL_REVIEW)},
    **{(status, _M.OUTCOME_UNKNOWN): _S.UNKNOWN for status in (_S.PENDING, _S.UNKNOWN)},
    **{(status, _M.REVIEW_REQUIRED): _S.MANUAL_REVIEW for status in (_S.PENDING, _S.UNKNOWN)},
}
"""The one source of what may follow what: `evolve` looks it up, and what is not in it does not happen."""

_MOVES: dict[type[RefundEvent], RefundMove] = {
    RefundRequested: _M.REQUESTED,
    RefundPending: _M.PENDING,
    RefundSucceeded: _M.SUCCEEDED,
    RefundFailed: _M.FAILED,
    RefundCanceled: _M.CANCELED,
    RefundOutcomeUnknown: _M.OUTCOME_UNKNOWN,
    RefundReviewRequired: _M.REVIEW_REQUIRED,
}

IN_DOUBT = frozenset({_S.UNKNOWN, _S.MANUAL_REVIEW})
"""How it ends nobody knows yet."""

RESERVING = IN_DOUBT | {_S.PENDING}
"""A refund in one of these may yet take its money, so nobody else may."""


def move(event: RefundEvent) -> RefundMove:
    return _MOVES[type(event)]


def allows(status: RefundStatus | None, event: RefundEvent) -> bool:
    return (status, move(event)) in TRANSITIONS


@dataclass(frozen=True, slots=True)
class Refund:
    """What is known of a refund; `amount_minor` in minor units of the payment's currency."""

    id: str
    status: RefundStatus
    amount_minor: int
    created_at: datetime
    updated_at: datetime
    reason: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    provider_refund: str | None = None
    failure_reason: str | None = None


def after(was: Refund, status: RefundStatus, at: datetime, data: RefundEvent) -> Refund:
    """The refund `was`, once `data` has happened to it and made it `status`."""
    refund = replace(was, status=status, updated_at=at)
    match data:
        case RefundPending() | RefundSucceeded() | RefundCanceled():
            return replace(refund, provider_refund=data.provider_refund or was.provider_refund)
        case RefundFailed():
            provider_refund = data.provider_refund or was.provider_refund
            return replace(refund, provider_refund=provider_refund, failure_reason=data.failure_reason)
    return refund
