"""Client of Millrace's REST API: `Millrace` for threads, `AsyncMillrace` for asyncio, `webhooks.verify` for what it sends.

What a program may use is named here; the modules below may change.
"""

from typing import TYPE_CHECKING, Any

from millrace_client import webhooks
from millrace_client.client import Millrace
from millrace_client.errors import (
    Conflict,
    ConnectionFailed,
    Forbidden,
    Invalid,
    KeyReused,
    MillraceError,
    NotFound,
    NotUnderstood,
    RateLimited,
    Refused,
    StillUnsettled,
    Unauthenticated,
    Unavailable,
)
from millrace_client.ids import NAMESPACE, command_id_for, payment_id_for, refund_id_for
from millrace_client.objects import (
    AnalyticsDecline,
    AnalyticsFigures,
    Cause,
    Decline,
    Dispute,
    FieldProblem,
    Http,
    Page,
    Payment,
    PaymentEvent,
    ProblemDocument,
    Provider,
    Refund,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEndpointWithSecret,
)
from millrace_client.opening import VERSION as __version__
from millrace_client.retrying import Retries

if TYPE_CHECKING:
    from millrace_client.async_client import AsyncMillrace

__all__ = [
    "NAMESPACE",
    "AnalyticsDecline",
    "AnalyticsFigures",
    "AsyncMillrace",
    "Cause",
    "Conflict",
    "ConnectionFailed",
    "Decline",
    "Dispute",
    "FieldProblem",
    "Forbidden",
    "Http",
    "Invalid",
    "KeyReused",
    "Millrace",
    "MillraceError",
    "NotFound",
    "NotUnderstood",
    "Page",
    "Payment",
    "PaymentEvent",
    "ProblemDocument",
    "Provider",
    "RateLimited",
    "Refund",
    "Refused",
    "Retries",
    "StillUnsettled",
    "Unauthenticated",
    "Unavailable",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEndpointWithSecret",
    "__version__",
    "command_id_for",
    "payment_id_for",
    "refund_id_for",
    "webhooks",
]


def __getattr__(name: str) -> Any:
    """`AsyncMillrace` needs aiohttp, which who uses threads need not have."""
    if name == "AsyncMillrace":
        from millrace_client.async_client import AsyncMillrace

        return AsyncMillrace
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
