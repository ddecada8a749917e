"""What GraphQL shows: payments, refunds, disputes and events, as types over the views of `models`. Who asks is `schema`'s.

A view is a dictionary, and a field its member; only what is no plain member has a function here.
"""

from typing import Any

import strawberry

from models.payment import PaymentStatus as PaymentStatuses
from models.ports import Page, View
from models.provider import DisputeStatus as DisputeStatuses
from models.provider import RefundStatus as RefundStatuses
from models.terms import CaptureMethod as CaptureMethods
from web import shown as views
from web.graphql.context import Info
from web.graphql.described import one_of, shown
from web.graphql.paging import Asked, Connection
from web.graphql.scalars import Json, Metadata, MinorUnits, Time
from web.reading import refunds_in

PaymentStatus: Any = one_of("PaymentStatus", PaymentStatuses)
RefundStatus: Any = one_of("RefundStatus", RefundStatuses)
DisputeStatus: Any = one_of("DisputeStatus", DisputeStatuses)
CaptureMethod: Any = one_of("CaptureMethod", CaptureMethods)


Parent = strawberry.Parent[View]
_STATE = "state"


def _payment_id(view: Parent) -> strawberry.ID:
    return strawberry.ID(view["payment"])


@shown(views.Refund)
class Refund:
    """A refund. What was only just accepted is known by `id`, `paymentId` and `status` alone."""

    id: strawberry.ID
    payment_id: strawberry.ID = strawberry.field(resolver=_payment_id)
    status: RefundStatus
    amount: MinorUnits | None
    reason: str | None
    failure_reason: str | None
    metadata: Metadata | None
    created_at: Time | None
    updated_at: Time | None


@shown(views.Dispute)
class Dispute:
    id: strawberry.ID
    status: DisputeStatus
    amount: MinorUnits
    currency: str
    reason: str | None
    respond_by: Time | None
    amount_withdrawn: MinorUnits
    amount_reinstated: MinorUnits
    refundable: bool
    created_at: Time
    updated_at: Time


@shown(views.Decline)
class Decline:
    code: str
    decline_code: str | None
    advice: str | None
    message: str
    advice_code: str | None
    network_code: str | None
    rule: str | None


@shown(views.Provider)
class Provider:
    """Where the payment is at the provider."""

    name: str
    account: str | None
    payment_intent: str | None
    charge: str | None


@shown(views.Cause)
class Cause:
    command: str
    by: str
    source: str | None
    provider_key: str | None
    provider_requests: list[str] | None
    notice: str | None
    notice_type: str | None


def _refunds(
    payment: Parent,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
) -> Connection[Refund]:
    asked = Asked(first, after, last, before)
    connection: Connection[Refund] = asked.connection(refunds_in(payment, asked.query()), id_of)
    return connection


async def _events(
    payment: Parent, info: Info, first: int | None = None, after: str | None = None
) -> Connection["PaymentEvent"]:
    asked, context = Asked(first, after), info.context
    page = await context.operations.reading.events(
        context.authorization, payment["id"], asked.query("after_sequence")
    )
    told = [happened(event, payment) for event in page.data]
    connection: Connection[PaymentEvent] = asked.connection(
        Page(told, page.has_more), lambda event: event["sequence"]
    )
    return connection


def _state(event: Parent) -> "Payment | None":
    state: Payment | None = event[_STATE]
    return state


@shown(views.Payment)
class Payment:
    """A payment. What was only just accepted is known by `id` and `status` alone."""

    id: strawberry.ID
    status: PaymentStatus
    merchant: strawberry.ID | None
    sequence: int | None
    amount: MinorUnits | None
    currency: str | None
    amount_authorized: MinorUnits | None
    amount_capturable: MinorUnits | None
    amount_captured: MinorUnits | None
    amount_refunded: MinorUnits | None
    amount_refund_pending: MinorUnits | None
    amount_refundable: MinorUnits | None
    amount_disputed: MinorUnits | None
    capture_method: CaptureMethod | None
    payment_method: str | None
    description: str | None
    customer: str | None
    receipt_email: str | None
    metadata: Metadata | None
    next_action: Json | None
    client_secret: str | None
    decline: Decline | None
    cancellation_reason: str | None
    authorized_until: Time | None
    unknown_since: Time | None
    provider: Provider | None
    livemode: bool | None
    disputes: list[Dispute] | None
    created_at: Time | None
    updated_at: Time | None
    refunds: Connection[Refund] | None = strawberry.field(resolver=_refunds, description="Newest first.")
    events: Connection["PaymentEvent"] | None = strawberry.field(
        resolver=_events,
        description="The story in its order. It may be a fifth of a second behind an answer.",
    )


@shown(views.PaymentEvent)
class PaymentEvent:
    id: strawberry.ID
    type: str
    sequence: int
    payment_id: strawberry.ID = strawberry.field(resolver=_payment_id)
    created_at: Time
    causation_id: str
    cause: Cause | None
    data: Json
    payment: Payment | None = strawberry.field(
        resolver=_state, description="As it stood when this was told: at this event or later."
    )


def id_of(view: View) -> str:
    return str(view["id"])


def happened(event: View, payment: View | None) -> View:
    """An event that shows its payment: as a view `payment` is the id alone."""
    return {**event, _STATE: payment}
