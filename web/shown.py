"""What the door shows, as pydantic models: for the OpenAPI document only. The views themselves are made by `models`."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from models.payment import PaymentStatus
from models.provider import RefundStatus
from web.problems import STATUS

PAYMENT_EXAMPLE_ID = "pay_6f9619ff8b86d011b42d00c04fc964ff"
_Minor = Annotated[int, Field(ge=0, description="In minor units of the currency.")]
_At = Annotated[datetime, Field(examples=["2026-01-31T12:00:00.000Z"])]
_CODES: dict[str, Any] = {"enum": [str(code) for code in STATUS]}


class Refund(BaseModel):
    """A refund. When it is only just accepted (202) it may be `id`, `object`, `payment` and `status` alone."""

    id: Annotated[str, Field(pattern=r"^re_[0-9a-f]{32}$")]
    object: Literal["refund"]
    payment: Annotated[
        str, Field(description="Whose it is; left out where it stands inside its payment.")
    ] = ""
    status: RefundStatus
    amount: _Minor = 0
    reason: str | None = None
    failure_reason: str | None = None
    metadata: dict[str, str] = {}
    created_at: _At | None = None
    updated_at: _At | None = None


class Decline(BaseModel):
    """Why the issuer or Stripe said no: Stripe's words."""

    code: str
    decline_code: str | None
    advice: Annotated[str | None, Field(description="What the client can do: `try_again_later` …")]
    message: str


class Provider(BaseModel):
    name: Literal["stripe"]
    payment_intent: str | None
    charge: str | None


class Payment(BaseModel):
    """A payment. When it is only just accepted (202) it may be `id`, `object` and `status` alone."""

    id: Annotated[str, Field(pattern=r"^pay_[0-9a-f]{32}$", examples=[PAYMENT_EXAMPLE_ID])]
    object: Literal["payment"]
    status: PaymentStatus
    merchant: str = ""
    sequence: Annotated[int, Field(ge=1, description="Of the last event: a higher one is a newer state.")] = 1
    amount: _Minor = 0
    currency: str = ""
    amount_authorized: _Minor = 0
    amount_capturable: _Minor = 0
    amount_captured: _Minor = 0
    amount_refunded: _Minor = 0
    amount_refund_pending: _Minor = 0
    amount_refundable: _Minor = 0
    capture_method: Literal["automatic", "manual"] = "automatic"
    payment_method: str = ""
    description: str | None = None
    customer: str | None = None
    receipt_email: str | None = None
    metadata: dict[str, str] = {}
    next_action: dict[str, Any] | None = None
    decline: Decline | None = None
    cancellation_reason: str | None = None
    authorized_until: _At | None = None
    unknown_since: _At | None = None
    provider: Provider | None = None
    livemode: bool = False
    refunds: list[Refund] = []
    disputes: list[dict[str, Any]] = []
    created_at: _At | None = None
    updated_at: _At | None = None


class PaymentEvent(BaseModel):
    """One fact of a payment's story."""

    id: str
    object: Literal["event"]
    type: Annotated[str, Field(examples=["payment.captured.v1"])]
    payment: Annotated[str, Field(description="The payment's id.")]
    sequence: Annotated[int, Field(ge=1, description="1, 2, 3 … per payment, without gaps.")]
    created_at: _At
    causation_id: Annotated[str, Field(description="The command that led to it.")]
    data: Annotated[dict[str, Any], Field(description="What changed; by type.")]


class PaymentList(BaseModel):
    object: Literal["list"]
    data: list[Payment]
    has_more: bool


class RefundList(BaseModel):
    object: Literal["list"]
    data: list[Refund]
    has_more: bool


class EventList(BaseModel):
    object: Literal["list"]
    data: list[PaymentEvent]
    has_more: bool


class FieldProblem(BaseModel):
    field: str
    message: str


class ProblemDocument(BaseModel):
    """RFC 9457. Clients branch on `code`."""

    type: Annotated[str, Field(examples=["urn:millrace:problem:validation_failed"])]
    title: str
    status: int
    detail: str
    instance: str
    code: Annotated[str, Field(json_schema_extra=_CODES)]
    param: str | None
    errors: list[FieldProblem]
    request_id: str
    retryable: Annotated[bool, Field(description="The same request, with the same key, may succeed later.")]


class Received(BaseModel):
    received: Literal[True]


class Alive(BaseModel):
    status: Literal["alive"]


class Ready(BaseModel):
    """Where something is missing, the answer is a problem with these two members besides."""

    ready: bool
    missing: list[str]


SHOWN: tuple[type[BaseModel], ...] = (
    Payment,
    Refund,
    PaymentList,
    RefundList,
    EventList,
    ProblemDocument,
    Received,
    Alive,
    Ready,
)
