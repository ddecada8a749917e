"""The table of routes: what the door answers to, for whom, and with which codes. The application and the OpenAPI
document are both made from it.
"""

from dataclasses import dataclass, field

from models import shapes
from models.codes import Code
from web.operations import ANALYTICS_READ, PAYMENTS_READ, PAYMENTS_WRITE, REFUNDS_WRITE, WEBHOOKS_MANAGE

_ANY = (Code.UNAVAILABLE, Code.INTERNAL_ERROR, Code.MALFORMED_REQUEST)
_CALLER = (Code.UNAUTHENTICATED, Code.FORBIDDEN, Code.RATE_LIMITED)
_BODY = (Code.PAYLOAD_TOO_LARGE, Code.UNSUPPORTED_MEDIA_TYPE, Code.VALIDATION_FAILED, Code.REQUEST_TIMEOUT)
_COMMAND = (
    *_ANY,
    *_CALLER,
    *_BODY,
    Code.IDEMPOTENCY_KEY_MISSING,
    Code.IDEMPOTENCY_KEY_REUSED,
    Code.IDEMPOTENCY_KEY_IN_USE,
    Code.PAYMENT_STATE_CONFLICT,
    Code.PROVIDER_REFUSED,
    Code.LIMIT_EXCEEDED,
)
_READ_ONE = (*_ANY, *_CALLER, Code.NOT_FOUND, Code.VALIDATION_FAILED)


@dataclass(frozen=True, slots=True)
class Route:
    """`operation` names the handler, and the operation in the OpenAPI document."""

    method: str
    path: str
    operation: str
    summary: str
    answers: tuple[int, ...]
    shows: str
    codes: tuple[Code, ...] = ()
    scope: str | None = None
    command: str | None = None
    query: tuple[str, ...] = field(default=())
    once: bool = False
    """Whether an `Idempotency-Key` may be given: of what is no command."""
    told: bool = True
    """Whether it is in the OpenAPI document: pages for people are not."""

    @property
    def tag(self) -> str:
        """What it is about."""
        if not self.path.startswith("/v1/"):
            return "provider" if self.operation == "take_notice" else "upkeep"
        if self.path.startswith("/v1/analytics/"):
            return "analytics"
        if self.scope == WEBHOOKS_MANAGE:
            return "webhooks"
        return "refunds" if "refund" in self.path else "payments"

    @property
    def has_csv(self) -> bool:
        """Whether it is told as a table too."""
        return self.tag == "analytics"

    @property
    def is_conditional(self) -> bool:
        """Whether its answer has an `ETag`, and may be 304."""
        return self.method == "GET" and (self.scope is not None or self.shows == "Document")


_ENDPOINT = (*_ANY, *_CALLER, *_BODY, Code.NOT_FOUND)
_SUMS = ("from", "to", "currency", "payment_method")
_PAGE = ("limit", "starting_after", "ending_before")

ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/v1/payments",
        "create_payment",
        "Make a payment",
        (201, 202),
        "Payment",
        (
            *_COMMAND,
            Code.AMOUNT_TOO_LARGE,
            Code.AMOUNT_TOO_SMALL,
            Code.CURRENCY_UNSUPPORTED,
            Code.COMMAND_EXPIRED,
        ),
        PAYMENTS_WRITE,
        shapes.CREATE,
    ),
    Route(
        "GET",
        "/v1/payments",
        "list_payments",
        "List payments, newest first",
        (200,),
        "PaymentList",
        (*_ANY, *_CALLER, Code.VALIDATION_FAILED),
        PAYMENTS_READ,
        query=("status", "currency", "customer", "created_after", "created_before", "metadata", *_PAGE),
    ),
    Route(
        "GET",
        "/v1/payments/{payment_id}",
        "get_payment",
        "Read a payment",
        (200,),
        "Payment",
        _READ_ONE,
        PAYMENTS_READ,
    ),
    Route(
        "POST",
        "/v1/payments/{payment_id}/capture",
        "capture_payment",
        "Capture an authorised payment, in full or in part",
        (200, 202),
        "Payment",
        (*_COMMAND, Code.NOT_FOUND, Code.CAPTURE_EXCEEDS_AUTHORIZED),
        PAYMENTS_WRITE,
        shapes.CAPTURE,
    ),
    Route(
        "POST",
        "/v1/payments/{payment_id}/cancel",
        "cancel_payment",
        "Cancel a payment that is not captured",
        (200, 202),
        "Payment",
        (*_COMMAND, Code.NOT_FOUND),
        PAYMENTS_WRITE,
        shapes.CANCEL,
    ),
    Route(
        "POST",
        "/v1/payments/{payment_id}/refunds",
        "create_refund",
        "Refund a captured payment, in full or in part",
        (201, 202),
        "Refund",
        (
            *_COMMAND,
            Code.NOT_FOUND,
            Code.REFUND_EXCEEDS_REFUNDABLE,
            Code.REFUNDABLE_MISMATCH,
            Code.REFUND_EXISTS,
            Code.PAYMENT_DISPUTED,
            Code.REFUND_WINDOW_CLOSED,
        ),
        REFUNDS_WRITE,
        shapes.REFUND,
    ),
    Route(
        "GET",
        "/v1/payments/{payment_id}/refunds",
        "list_refunds",
        "List a payment's refunds, newest first",
        (200,),
        "RefundList",
        _READ_ONE,
        PAYMENTS_READ,
        query=_PAGE,
    ),
    Route(
        "GET",
        "/v1/refunds/{refund_id}",
        "get_refund",
        "Read a refund",
        (200,),
        "Refund",
        _READ_ONE,
        PAYMENTS_READ,
        query=("payment",),
    ),
    Route(
        "GET",
        "/v1/payments/{payment_id}/events",
        "list_events",
        "Read a payment's story, in its order",
        (200,),
        "EventList",
        _READ_ONE,
        PAYMENTS_READ,
        query=("limit", "after_sequence"),
    ),
    Route(
        "GET",
        "/v1/analytics/summary",
        "analytics_summary",
        "Counts, volumes and rates over a range, by currency",
        (200,),
        "AnalyticsFiguresList",
        (*_ANY, *_CALLER, Code.VALIDATION_FAILED),
        ANALYTICS_READ,
        query=_SUMS,
    ),
    Route(
        "GET",
        "/v1/analytics/timeseries",
        "analytics_timeseries",
        "The same by minute, hour or day",
        (200,),
        "AnalyticsFiguresList",
        (*_ANY, *_CALLER, Code.VALIDATION_FAILED),
        ANALYTICS_READ,
        query=(*_SUMS, "interval"),
    ),
    Route(
        "GET",
        "/v1/analytics/declines",
        "analytics_declines",
        "Declined payments by code, the most frequent first",
        (200,),
        "AnalyticsDeclineList",
        (*_ANY, *_CALLER, Code.VALIDATION_FAILED),
        ANALYTICS_READ,
        query=_SUMS,
    ),
    Route(
        "POST",
        "/v1/webhook_endpoints",
        "create_webhook_endpoint",
        "Make a webhook endpoint",
        (201,),
        "WebhookEndpointWithSecret",
        (*_ANY, *_CALLER, *_BODY, Code.LIMIT_EXCEEDED, Code.IDEMPOTENCY_KEY_REUSED),
        WEBHOOKS_MANAGE,
        once=True,
    ),
    Route(
        "GET",
        "/v1/webhook_endpoints",
        "list_webhook_endpoints",
        "List webhook endpoints, newest first",
        (200,),
        "WebhookEndpointList",
        (*_ANY, *_CALLER, Code.VALIDATION_FAILED),
        WEBHOOKS_MANAGE,
        query=_PAGE,
    ),
    Route(
        "GET",
        "/v1/webhook_endpoints/{endpoint_id}",
        "get_webhook_endpoint",
        "Read a webhook endpoint",
        (200,),
        "WebhookEndpoint",
        _READ_ONE,
        WEBHOOKS_MANAGE,
    ),
    Route(
        "PATCH",
        "/v1/webhook_endpoints/{endpoint_id}",
        "update_webhook_endpoint",
        "Change a webhook endpoint, or disable it",
        (200,),
        "WebhookEndpoint",
        _ENDPOINT,
        WEBHOOKS_MANAGE,
    ),
    Route(
        "DELETE",
        "/v1/webhook_endpoints/{endpoint_id}",
        "delete_webhook_endpoint",
        "Delete a webhook endpoint, with all that is on its way to it",
        (200,),
        "WebhookEndpointDeleted",
        _READ_ONE,
        WEBHOOKS_MANAGE,
    ),
    Route(
        "POST",
        "/v1/webhook_endpoints/{endpoint_id}/enable",
        "enable_webhook_endpoint",
        "Enable a webhook endpoint: what was on its way goes on",
        (200,),
        "WebhookEndpoint",
        _ENDPOINT,
        WEBHOOKS_MANAGE,
    ),
    Route(
        "POST",
        "/v1/webhook_endpoints/{endpoint_id}/rotate_secret",
        "rotate_webhook_secret",
        "Make a new secret; for a while deliveries are signed with both",
        (200,),
        "WebhookEndpointWithSecret",
        _ENDPOINT,
        WEBHOOKS_MANAGE,
        once=True,
    ),
    Route(
        "GET",
        "/v1/webhook_endpoints/{endpoint_id}/deliveries",
        "list_webhook_deliveries",
        "List what was sent to a webhook endpoint, newest first",
        (200,),
        "WebhookDeliveryList",
        _READ_ONE,
        WEBHOOKS_MANAGE,
        query=("limit", "starting_after", "status"),
    ),
    Route(
        "POST",
        "/v1/deliveries/{delivery_id}/redeliver",
        "redeliver_webhook",
        "Send a webhook again, under the same id",
        (200,),
        "WebhookDelivery",
        _ENDPOINT,
        WEBHOOKS_MANAGE,
    ),
    Route(
        "POST",
        "/webhooks/stripe",
        "take_notice",
        "Stripe's webhooks",
        (200,),
        "Received",
        (
            *_ANY,
            Code.SIGNATURE_INVALID,
            Code.PAYLOAD_TOO_LARGE,
            Code.REQUEST_TIMEOUT,
            Code.UNSUPPORTED_MEDIA_TYPE,
        ),
    ),
    Route("GET", "/livez", "alive", "Whether the process lives", (200,), "Alive", _ANY),
    Route("GET", "/readyz", "ready", "Whether it can serve, and what is missing", (200,), "Ready", _ANY),
    Route("GET", "/metrics", "metrics", "Metrics for Prometheus", (200,), "Metrics", _ANY),
    Route("GET", "/openapi.json", "openapi", "This document", (200,), "Document", _ANY),
    Route("GET", "/asyncapi.json", "asyncapi", "The topics, as AsyncAPI", (200,), "Document", _ANY),
    Route(
        "GET",
        "/schemas/{name}",
        "schema",
        "The JSON Schema of one type of command, event or reply",
        (200,),
        "Document",
        (*_ANY, Code.NOT_FOUND),
    ),
    Route("GET", "/", "front", "To the documents", (302,), "Page", told=False),
    Route("GET", "/docs", "docs", "The documents, for people", (200,), "Page", told=False),
    Route("GET", "/docs/{name}", "docs_part", "What its pages are made of", (200,), "Page", told=False),
)
