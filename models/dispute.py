"""The dispute: the one table of where it may go, and what is known of it. A dispute never changes its payment's status."""

from dataclasses import dataclass, replace
from datetime import datetime

from models.events import DisputeClosed, DisputeEvent, DisputeOpened
from models.provider import DisputeStatus

_S = DisputeStatus

CLOSED = frozenset({_S.WARNING_CLOSED, _S.WON, _S.LOST, _S.PREVENTED})

_CHARGED_BACK = (_S.NEEDS_RESPONSE, _S.UNDER_REVIEW, _S.WON, _S.LOST)
_FORWARD: dict[DisputeStatus | None, tuple[DisputeStatus, ...]] = {
    None: tuple(_S),
    # an inquiry may become a chargeback
    _S.WARNING_NEEDS_RESPONSE: (_S.WARNING_UNDER_REVIEW, _S.WARNING_CLOSED, _S.PREVENTED, *_CHARGED_BACK),
    _S.WARNING_UNDER_REVIEW: (_S.WARNING_CLOSED, _S.PREVENTED, *_CHARGED_BACK),
    _S.NEEDS_RESPONSE: (_S.UNDER_REVIEW, _S.WON, _S.LOST),
    _S.UNDER_REVIEW: (_S.WON, _S.LOST),
}

TRANSITIONS: dict[tuple[DisputeStatus | None, DisputeStatus], DisputeStatus] = {
    (was, now): now for was, following in _FORWARD.items() for now in following
} | {
    # the same again with other money: what was won is given back later
    (status, status): status
    for status in _S
}
"""By where it was and the provider's word. Its notices come in any order, so a step may be passed over; none leads back."""


@dataclass(frozen=True, slots=True)
class Dispute:
    """What is known of a dispute; `id` is the provider's, `amount_minor` in minor units of `currency`, its own."""

    id: str
    status: DisputeStatus
    amount_minor: int
    currency: str
    created_at: datetime
    updated_at: datetime
    reason: str | None = None
    respond_by: datetime | None = None
    withdrawn: bool = False
    reinstated: bool = False
    refundable: bool = False

    @property
    def amount_held_minor(self) -> int:
        """What the provider has taken for it and not given back."""
        return self.amount_minor if self.withdrawn and not self.reinstated else 0


def after(was: Dispute | None, at: datetime, data: DisputeEvent) -> Dispute:
    """The dispute `was` (None: unheard of) once `data` has happened to it."""
    if isinstance(data, DisputeOpened):
        return Dispute(
            id=data.dispute_id,
            status=data.status,
            amount_minor=data.amount_minor,
            currency=data.currency,
            created_at=at,
            updated_at=at,
            reason=data.reason,
            respond_by=data.respond_by,
            withdrawn=data.withdrawn,
            reinstated=data.reinstated,
            refundable=data.refundable,
        )
    assert was is not None, "the table knows no other first move"
    return replace(
        was,
        status=data.status,
        amount_minor=data.amount_minor,
        updated_at=at,
        respond_by=None if isinstance(data, DisputeClosed) else data.respond_by,
        withdrawn=data.withdrawn,
        reinstated=data.reinstated,
        refundable=data.refundable,
    )
