"""What the door shows, as pydantic models: for the OpenAPI document only. The views themselves are made by `models`."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from models.payment import PaymentStatus
from models.provider import DisputeStatus, RefundStatus
from web.problems import STATUS

PAYMENT_EXAMPLE_ID = "pay_6f9619ff8b86d011b42d00c04fc964ff"
REFUND_EXAMPLE_ID = "re_0d1c4f5e2b7a4c3d9e8f7a6b5c4d3e2f"
ENDPOINT_EXAMPLE_ID = "we_4b8d4e6f1a2c43d5b7e9f0a1c2d3e4f5"
DELIVERY_EXAMPLE_ID = "msg_7c9e6679742540de944be07fc1f90ae7"
_PaymentId = Annotated[str, Field(pattern=r"^pay_[0-9a-f]{32}$", examples=[PAYMENT_EXAMPLE_ID])]
_RefundId = Annotated[str, Field(pattern=r"^re_[0-9a-f]{32}$", examples=[REFUND_EXAMPLE_ID])]
_Minor = Annotated[int, Field(ge=0, description="In minor units of the currency.")]
_At = Annotated[datetime, Field(examples=["2026-01-31T12:00:00.000Z"])]
_CODES: dict[str, Any] = {"enum": [str(code) for code in STATUS]}


class Refund(BaseModel):
    """A refund."""

    id: _RefundId
    object: Literal["refund"]
    payment: Annotated[
        str, Field(description="Whose it is; left out where it stands inside its payment.")
    ] = ""
    status: RefundStatus
    amount: _Minor
    reason: str | None
    failure_reason: str | None
    metadata: dict[str, str]
    created_at: _At
    updated_at: _At


class RefundAccepted(BaseModel):
    """A refund that was only just accepted: it will be made, or refused."""

    id: _RefundId
    object: Literal["refund"]
    payment: Annotated[str, Field(description="Whose it is.")]
    status: RefundStatus


class Decline(BaseModel):
    """Why the issuer or Stripe said no. `advice` is Millrace's; all else is the word of Stripe, the network or the issuer."""

    code: str
    decline_code: str | None
    advice: Annotated[
        Literal["do_not_retry", "try_again_later", "use_another_method", "authenticate"] | None,
        Field(description="What the client can do."),
    ]
    message: str
    advice_code: str | None
    network_code: str | None
    rule: Annotated[
        str | None, Field(description="The merchant's own rule that said no, where it was one.")
    ] = None


class Dispute(BaseModel):
    """A dispute: the cardholder's bank asks, or has taken the money back. Amounts in minor units of its own currency."""

    id: Annotated[str, Field(description="Stripe's.", examples=["du_1MtJUT2eZvKYlo2CNaw2HvEv"])]
    object: Literal["dispute"]
    status: DisputeStatus
    amount: _Minor
    currency: str
    reason: str | None
    respond_by: Annotated[_At | None, Field(description="Until when evidence can be given.")]
    amount_withdrawn: Annotated[_Minor, Field(description="Taken for it.")]
    amount_reinstated: Annotated[_Minor, Field(description="Given back.")]
    refundable: Annotated[bool, Field(description="Whether the payment can be refunded all the same.")]
    created_at: _At
    updated_at: _At


class Provider(BaseModel):
    name: Literal["stripe"]
    account: Annotated[
        str | None, Field(description="Where the merchant has an account of their own there: its name here.")
    ] = None
    payment_intent: str | None
    charge: str | None


class Payment(BaseModel):
    """A payment, with its refunds and disputes. Members may be added to it."""

    id: _PaymentId
    object: Literal["payment"]
    status: PaymentStatus
    merchant: str
    sequence: Annotated[int, Field(ge=1, description="Of the last event: a higher one is a newer state.")]
    amount: _Minor
    currency: str
    amount_authorized: _Minor
    amount_capturable: _Minor
    amount_captured: _Minor
    amount_refunded: _Minor
    amount_refund_pending: _Minor
    amount_refundable: _Minor
    amount_disputed: Annotated[_Minor, Field(description="Held back by Stripe because of disputes.")]
    capture_method: Literal["automatic", "manual"]
    payment_method: str
    description: str | None
    customer: str | None
    receipt_email: str | None
    metadata: dict[str, str]
    next_action: Annotated[
        dict[str, Any] | None, Field(description="What the customer must do, as Stripe says it.")
    ]
    client_secret: Annotated[
        str | None,
        Field(
            description="For Stripe.js while the customer must act. The customer's only: not to be logged."
        ),
    ]
    decline: Decline | None
    cancellation_reason: str | None
    authorized_until: _At | None
    unknown_since: _At | None
    provider: Provider
    livemode: bool
    refunds: list[Refund]
    disputes: list[Dispute]
    created_at: _At
    updated_at: _At


class PaymentAccepted(BaseModel):
    """A payment that was only just accepted: what is known of it yet."""

    id: _PaymentId
    object: Literal["payment"]
    status: PaymentStatus


class Cause(BaseModel):
    """Who sent the command that led to an event, and what it was learned by. Only what applies is there."""

    command: Annotated[str, Field(description="The command's type.", examples=["payment.outcome.v1"])]
    by: Annotated[
        Literal["api", "kafka", "operator", "provider", "screen", "webhook", "timer"],
        Field(
            description="Through which door a request came; or whether Stripe's answer, the check of a customer's velocity, "
            "a notice of Stripe's or the passing of time led to it."
        ),
    ]
    source: Annotated[
        str, Field(description="How the sender of a command on Kafka calls itself (`ce_source`).")
    ] = ""
    provider_key: Annotated[str, Field(description="The idempotency key of the call to Stripe.")] = ""
    provider_requests: Annotated[
        list[str], Field(description="Stripe's ids of the requests that were made for it, `req_…`, in order.")
    ] = []
    notice: Annotated[str, Field(description="Stripe's id of the notice, `evt_…`.")] = ""
    notice_type: str = ""


class PaymentEvent(BaseModel):
    """One fact of a payment's story."""

    id: str
    object: Literal["event"]
    type: Annotated[str, Field(examples=["payment.captured.v1"])]
    payment: Annotated[str, Field(description="The payment's id.")]
    sequence: Annotated[int, Field(ge=1, description="1, 2, 3 … per payment, without gaps.")]
    created_at: _At
    causation_id: Annotated[str, Field(description="The command that led to it.")]
    cause: Annotated[
        Cause | None, Field(description="What led to it; null for events from before it was told.")
    ] = None
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


class AnalyticsFigures(BaseModel):
    """What one currency's payments add up to. Whose time each belongs to is in docs/analytics.md."""

    object: Literal["analytics_figures"]
    currency: str
    begins_at: _At
    ends_at: Annotated[_At, Field(description="Exclusive.")]
    payments: Annotated[int, Field(ge=0, description="Made in this time.")]
    by_status: Annotated[dict[str, int], Field(description="The same payments, by what they are now.")]
    gross: Annotated[int, Field(ge=0, description="Asked for by them, in minor units.")]
    captured: Annotated[int, Field(description="In this time, in minor units.")]
    refunded: Annotated[int, Field(description="Below zero where failed refunds came back.")]
    disputed: Annotated[int, Field(description="Below zero where won disputes came back.")]
    net: Annotated[int, Field(description="Captured, less refunded, less disputed.")]
    authorization_rate: Annotated[float | None, Field(description="0 to 1; null: nothing to compare.")]
    refund_rate: float | None
    dispute_rate: float | None
    settled: Annotated[int, Field(ge=0, description="Payments first captured in this time.")]
    settled_p50_s: Annotated[
        float | None, Field(description="From creation to capture, seconds; interpolated.")
    ]
    settled_p95_s: float | None
    settled_p99_s: float | None
    unknown: Annotated[int, Field(ge=0, description="Payments unknown now, since this time.")]
    unknown_since: Annotated[_At | None, Field(description="The beginning of the first bucket that has one.")]


class AnalyticsDecline(BaseModel):
    """How many payments of one currency were declined with one code."""

    object: Literal["analytics_decline"]
    currency: str
    begins_at: _At
    ends_at: _At
    code: Annotated[str, Field(examples=["insufficient_funds"])]
    payments: Annotated[int, Field(ge=0)]


class AnalyticsFiguresList(BaseModel):
    object: Literal["list"]
    data: list[AnalyticsFigures]
    has_more: Literal[False]


class AnalyticsDeclineList(BaseModel):
    object: Literal["list"]
    data: list[AnalyticsDecline]
    has_more: Literal[False]


class WebhookEndpoint(BaseModel):
    """A server of the merchant's that is told of events, signed as Standard Webhooks says."""

    id: Annotated[str, Field(pattern=r"^we_[0-9a-f]{32}$", examples=[ENDPOINT_EXAMPLE_ID])]
    object: Literal["webhook_endpoint"]
    url: str
    event_types: list[str]
    ordered: bool
    description: str
    status: Literal["enabled", "disabled"]
    disabled_at: _At | None
    disabled_reason: Annotated[str | None, Field(description="By whom, or why.")]
    failing_since: Annotated[
        _At | None, Field(description="The first attempt that failed after the last that did not.")
    ]
    created_at: _At


class WebhookEndpointWithSecret(WebhookEndpoint):
    """Once, when the secret was made."""

    secret: Annotated[
        str | None,
        Field(description="It is shown to the request that made it. Null where there is a newer one by now."),
    ]


class WebhookEndpointDeleted(BaseModel):
    id: Annotated[str, Field(pattern=r"^we_[0-9a-f]{32}$", examples=[ENDPOINT_EXAMPLE_ID])]
    object: Literal["webhook_endpoint"]
    deleted: Literal[True]


class WebhookAttempt(BaseModel):
    """One attempt to deliver, and what came of it."""

    number: Annotated[int, Field(ge=1)]
    at: _At
    took_ms: Annotated[int, Field(ge=0)]
    status: Annotated[int | None, Field(description="HTTP's; null where no answer came.")]
    error: Annotated[str | None, Field(description="Why no answer came.")]
    answer: Annotated[str, Field(description="The first KiB of it.")]


class WebhookDelivery(BaseModel):
    """One event on its way to one endpoint."""

    id: Annotated[
        str,
        Field(
            pattern=r"^msg_[0-9a-f]{32}$",
            examples=[DELIVERY_EXAMPLE_ID],
            description="The `webhook-id`: the same in every attempt.",
        ),
    ]
    object: Literal["webhook_delivery"]
    endpoint: str
    event: Annotated[str, Field(description="The event's id.")]
    type: Annotated[str, Field(examples=["payment.captured.v1"])]
    payment: str
    sequence: Annotated[int, Field(ge=1)]
    status: Literal["pending", "delivered", "failed"]
    next_attempt_at: _At | None
    created_at: _At
    ended_at: _At | None
    attempts: list[WebhookAttempt]


class WebhookEndpointList(BaseModel):
    object: Literal["list"]
    data: list[WebhookEndpoint]
    has_more: bool


class WebhookDeliveryList(BaseModel):
    object: Literal["list"]
    data: list[WebhookDelivery]
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
    rule: Annotated[str | None, Field(description="The rule that objected; left out where none did.")] = None


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
    PaymentAccepted,
    Refund,
    RefundAccepted,
    PaymentList,
    RefundList,
    EventList,
    AnalyticsFiguresList,
    AnalyticsDeclineList,
    WebhookEndpoint,
    WebhookEndpointWithSecret,
    WebhookEndpointDeleted,
    WebhookEndpointList,
    WebhookDelivery,
    WebhookDeliveryList,
    ProblemDocument,
    Received,
    Alive,
    Ready,
)
