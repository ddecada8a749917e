"""What the service shows: payments, refunds, their stories. Values only; how they are read from JSON is `reading`'s business.

Amounts are integers in minor units of `currency`, times aware and in UTC. Members that this version does not know are in `raw`.
Source: web/documents/openapi.json, components.schemas.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, TypeAlias, TypeVar

PaymentStatus: TypeAlias = Literal[
    "processing",
    "requires_action",
    "authorized",
    "captured",
    "declined",
    "canceled",
    "unknown",
    "manual_review",
]
RefundStatus: TypeAlias = Literal["pending", "succeeded", "failed", "canceled", "unknown", "manual_review"]
Advice: TypeAlias = Literal["do_not_retry", "try_again_later", "use_another_method", "authenticate"]

UNDECIDED = frozenset({"processing", "pending", "unknown"})
"""Statuses that change by themselves. `unknown`: Stripe did not say, and is being asked again."""

ACCEPTED = 202
"""The HTTP status for: durable, and carried out once, but the end is not known yet."""

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Http:
    """How something was told. `replayed`: it is the answer to an earlier request with the same key."""

    status: int
    request_id: str | None = None
    replayed: bool = False
    idempotency_key: str | None = None
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Decline:
    """Why the issuer, Stripe or a rule of the merchant's said no. `advice`: what can be done."""

    code: str = ""
    decline_code: str | None = None
    advice: Advice | None = None
    message: str = ""
    advice_code: str | None = None
    network_code: str | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Provider:
    name: str = ""
    account: str | None = None
    payment_intent: str | None = None
    charge: str | None = None


@dataclass(frozen=True, slots=True)
class Dispute:
    """Amounts in minor units of its own currency. `id` and `status` are Stripe's."""

    id: str
    object: str = "dispute"
    status: str = ""
    amount: int = 0
    currency: str = ""
    reason: str | None = None
    respond_by: datetime | None = None
    amount_withdrawn: int = 0
    amount_reinstated: int = 0
    refundable: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """`payment` is empty where it stands inside its payment. One that was only just accepted has an id and a status, no more."""

    id: str
    object: str = "refund"
    payment: str = ""
    status: RefundStatus = "pending"
    amount: int = 0
    reason: str | None = None
    failure_reason: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime | None = None
    updated_at: datetime | None = None
    http: Http | None = field(default=None, compare=False)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def settled(self) -> bool:
        return _settled(self.status, self.http)


@dataclass(frozen=True, slots=True)
class Payment:
    """One that was only just accepted may have an id and a status and no more: `sequence` is 0 then.

    `client_secret` is the customer's alone: it is not shown by `repr`.
    """

    id: str
    object: str = "payment"
    status: PaymentStatus = "processing"
    merchant: str = ""
    sequence: int = 0
    amount: int = 0
    currency: str = ""
    amount_authorized: int = 0
    amount_capturable: int = 0
    amount_captured: int = 0
    amount_refunded: int = 0
    amount_refund_pending: int = 0
    amount_refundable: int = 0
    amount_disputed: int = 0
    capture_method: Literal["automatic", "manual"] = "automatic"
    payment_method: str = ""
    description: str | None = None
    customer: str | None = None
    receipt_email: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    next_action: Mapping[str, Any] | None = None
    client_secret: str | None = field(default=None, repr=False)
    decline: Decline | None = None
    cancellation_reason: str | None = None
    authorized_until: datetime | None = None
    unknown_since: datetime | None = None
    provider: Provider | None = None
    livemode: bool = False
    refunds: tuple[Refund, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    created_at: datetime | None = None
    updated_at: datetime | None = None
    http: Http | None = field(default=None, compare=False)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def settled(self) -> bool:
        """Whether what was asked has been answered, and the payment does not move on by itself. A decline is settled; so is a
        payment that waits for its customer (`requires_action`) or for a person (`manual_review`).
        """
        return _settled(self.status, self.http)


@dataclass(frozen=True, slots=True)
class Cause:
    """Who sent the command that led to an event, and what it was learned by."""

    command: str = ""
    by: str = ""
    source: str = ""
    provider_key: str = ""
    provider_requests: tuple[str, ...] = ()
    notice: str = ""
    notice_type: str = ""


@dataclass(frozen=True, slots=True)
class PaymentEvent:
    """One fact of a payment's story. `sequence`: 1, 2, 3 … without gaps. `data`: what changed, by `type`."""

    id: str = ""
    object: str = "event"
    type: str = ""
    payment: str = ""
    sequence: int = 0
    created_at: datetime | None = None
    causation_id: str = ""
    cause: Cause | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class AnalyticsFigures:
    """What one currency's payments add up to, from `begins_at` to before `ends_at`. Rates: 0 to 1, or None."""

    object: str = "analytics_figures"
    currency: str = ""
    begins_at: datetime | None = None
    ends_at: datetime | None = None
    payments: int = 0
    by_status: Mapping[str, int] = field(default_factory=dict)
    gross: int = 0
    captured: int = 0
    refunded: int = 0
    disputed: int = 0
    net: int = 0
    authorization_rate: float | None = None
    refund_rate: float | None = None
    dispute_rate: float | None = None
    settled: int = 0
    settled_p50_s: float | None = None
    settled_p95_s: float | None = None
    settled_p99_s: float | None = None
    unknown: int = 0
    unknown_since: datetime | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class AnalyticsDecline:
    """How many payments of one currency were declined with one code."""

    object: str = "analytics_decline"
    currency: str = ""
    begins_at: datetime | None = None
    ends_at: datetime | None = None
    code: str = ""
    payments: int = 0
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """A server of yours that is told of events. `failing_since`: the first attempt that failed after the last that did not."""

    id: str
    object: str = "webhook_endpoint"
    url: str = ""
    event_types: tuple[str, ...] = ()
    ordered: bool = False
    description: str = ""
    status: Literal["enabled", "disabled"] = "enabled"
    disabled_at: datetime | None = None
    disabled_reason: str | None = None
    failing_since: datetime | None = None
    created_at: datetime | None = None
    http: Http | None = field(default=None, repr=False, compare=False)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class WebhookEndpointWithSecret(WebhookEndpoint):
    """As it is told when the secret was made. `secret`: for `webhooks.verify`; None where there is a newer one by now."""

    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class WebhookEndpointDeleted:
    id: str
    object: str = "webhook_endpoint"
    deleted: bool = True
    http: Http | None = field(default=None, repr=False, compare=False)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class WebhookAttempt:
    """One attempt, and what came of it: HTTP's `status` and the first KiB of the `answer`, or an `error`."""

    number: int = 0
    at: datetime | None = None
    took_ms: int = 0
    status: int | None = None
    error: str | None = None
    answer: str = ""


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """One event on its way to one endpoint. `id`: the `webhook-id`, the same in every attempt."""

    id: str
    object: str = "webhook_delivery"
    endpoint: str = ""
    event: str = ""
    type: str = ""
    payment: str = ""
    sequence: int = 0
    status: Literal["pending", "delivered", "failed"] = "pending"
    next_attempt_at: datetime | None = None
    created_at: datetime | None = None
    ended_at: datetime | None = None
    attempts: tuple[WebhookAttempt, ...] = ()
    http: Http | None = field(default=None, repr=False, compare=False)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class FieldProblem:
    field: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class ProblemDocument:
    """What the service says when it does not do what was asked. Source: RFC 9457."""

    type: str = "about:blank"
    title: str = ""
    status: int = 0
    detail: str = ""
    instance: str = ""
    code: str = ""
    param: str | None = None
    errors: tuple[FieldProblem, ...] = ()
    request_id: str | None = None
    retryable: bool | None = None
    rule: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class Page(Generic[T_co]):
    """Part of a list. `has_more`: there is something behind it, in the direction that was asked for."""

    data: tuple[T_co, ...]
    has_more: bool

    def __iter__(self) -> Iterator[T_co]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)


def _settled(status: str, http: Http | None) -> bool:
    return status not in UNDECIDED and (http is None or http.status != ACCEPTED)
