"""What can be asked, as typed keyword arguments, and the one call of the service that each operation is. No I/O, no retries.

Source: web/documents/openapi.json: the functions of this module have the names of its operations, the types those of its bodies.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Required, TypedDict
from urllib.parse import quote, urlencode
from uuid import uuid4

from millrace_client.http import Request
from millrace_client.objects import Payment, PaymentStatus, Refund, WebhookDelivery, WebhookEndpoint

PREFER_MAX_S = 60.0
"""The service waits no longer within one request."""

_KEY = re.compile(r"[\x20-\x7e]{1,255}", re.ASCII)
"""Source: web/documents/openapi.json, header Idempotency-Key; RFC 8941, section 3.3.3."""

_ID = re.compile(r"[A-Za-z0-9_]{1,255}", re.ASCII)


class PaymentBody(TypedDict, total=False):
    """A payment to make. `amount`: in minor units. `payment_method`: a token of Stripe's, never a card number."""

    amount: Required[int]
    currency: Required[str]
    payment_method: Required[str]
    capture_method: Literal["automatic", "manual"] | None
    description: str | None
    customer: str | None
    receipt_email: str | None
    statement_descriptor_suffix: str | None
    return_url: str | None
    off_session: bool | None
    metadata: dict[str, str] | None


class CaptureBody(TypedDict, total=False):
    """`amount`: all that is left, where none is given. `final`: whether the rest is released; it is, unless False is given."""

    amount: int | None
    final: bool | None


class CancelBody(TypedDict, total=False):
    reason: Literal["duplicate", "fraudulent", "requested_by_customer", "abandoned"] | None


class RefundBody(TypedDict, total=False):
    """`amount`: all that is left, where none is given. `expected_refundable`: the refund is refused if what is left differs."""

    amount: int | None
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None
    expected_refundable: int | None
    metadata: dict[str, str] | None


class PaymentFilter(TypedDict, total=False):
    """Which payments. Times are aware."""

    status: PaymentStatus
    currency: str
    customer: str
    created_after: datetime
    created_before: datetime
    metadata: Mapping[str, str]


class AnalyticsFilter(TypedDict, total=False):
    """Of which time (aware; `ends_at` exclusive, both widened to whole buckets), currency and kind of method."""

    begins_at: Required[datetime]
    ends_at: Required[datetime]
    currency: str
    payment_method: Literal["card", "bank_account", "other"]


class WebhookEndpointBody(TypedDict, total=False):
    """A server of yours that is to be told of events. Default: of all, in any order."""

    url: Required[str]
    event_types: list[str] | None
    ordered: bool | None
    description: str | None
    enabled: bool | None


class WebhookEndpointChange(TypedDict, total=False):
    """What is left out, or None, stays as it is."""

    url: str | None
    event_types: list[str] | None
    ordered: bool | None
    description: str | None
    enabled: bool | None


class SecretRotation(TypedDict, total=False):
    """`overlap_s`: how long deliveries are signed with both secrets; a day, where none is given."""

    overlap_s: int | None


@dataclass(frozen=True, slots=True)
class Call:
    """One operation, asked for. `key`: of a command. `wait_s`: how long the service is to wait; None leaves it to the service."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    key: str | None = None
    wait_s: float | None = None
    etag: str | None = None

    @property
    def prefer_s(self) -> float:
        """What one request waits for, as far as this client has a say in it."""
        return min(PREFER_MAX_S, self.wait_s or 0.0)

    def request(self, headers: Mapping[str, str]) -> Request:
        """`headers`: those of every request."""
        more: dict[str, str] = {}
        if self.key is not None:
            more["Idempotency-Key"] = _as_header(self.key)
        if self.wait_s is not None:
            more["Prefer"] = f"wait={math.ceil(self.prefer_s)}"
        if self.etag is not None:
            more["If-None-Match"] = self.etag
        body = None
        if self.body is not None:
            more["Content-Type"] = "application/json"
            body = json.dumps(self.body, ensure_ascii=False, allow_nan=False).encode()
        target = self.path + ("?" + urlencode(self.query, quote_via=quote) if self.query else "")
        return Request(self.method, target, {**headers, **more}, body)


def create_payment(body: Mapping[str, Any], key: str | None, wait_s: float | None) -> Call:
    return _command("/v1/payments", body, key, wait_s)


def capture_payment(
    payment: Payment | str, body: Mapping[str, Any], key: str | None, wait_s: float | None
) -> Call:
    return _command(f"/v1/payments/{_id(payment)}/capture", body, key, wait_s)


def cancel_payment(
    payment: Payment | str, body: Mapping[str, Any], key: str | None, wait_s: float | None
) -> Call:
    return _command(f"/v1/payments/{_id(payment)}/cancel", body, key, wait_s)


def create_refund(
    payment: Payment | str, body: Mapping[str, Any], key: str | None, wait_s: float | None
) -> Call:
    return _command(f"/v1/payments/{_id(payment)}/refunds", body, key, wait_s)


def get_payment(payment: Payment | str) -> Call:
    return Call("GET", f"/v1/payments/{_id(payment)}")


def get_refund(refund: Refund | str) -> Call:
    """Of its own payment, where that is known: a key that is used for two payments makes refunds of one id."""
    payment = None if isinstance(refund, str) else refund.payment or None
    return Call("GET", f"/v1/refunds/{_id(refund)}", _query({"payment": payment}))


def list_payments(where: Mapping[str, Any], **page: str | int | None) -> Call:
    return Call("GET", "/v1/payments", _query({**where, **page}))


def list_refunds(payment: Payment | str, **page: str | int | None) -> Call:
    return Call("GET", f"/v1/payments/{_id(payment)}/refunds", _query(page))


def list_events(payment: Payment | str, **page: int | None) -> Call:
    return Call("GET", f"/v1/payments/{_id(payment)}/events", _query(page))


def analytics_summary(where: Mapping[str, Any]) -> Call:
    return Call("GET", "/v1/analytics/summary", _sums_query(where))


def analytics_timeseries(where: Mapping[str, Any], interval: str) -> Call:
    return Call("GET", "/v1/analytics/timeseries", _sums_query(where) | {"interval": interval})


def analytics_declines(where: Mapping[str, Any]) -> Call:
    return Call("GET", "/v1/analytics/declines", _sums_query(where))


def create_webhook_endpoint(body: Mapping[str, Any], key: str | None) -> Call:
    return _command("/v1/webhook_endpoints", body, key, None)


def list_webhook_endpoints(**page: str | int | None) -> Call:
    return Call("GET", "/v1/webhook_endpoints", _query(page))


def get_webhook_endpoint(endpoint: WebhookEndpoint | str) -> Call:
    return Call("GET", f"/v1/webhook_endpoints/{_id(endpoint)}")


def update_webhook_endpoint(endpoint: WebhookEndpoint | str, body: Mapping[str, Any]) -> Call:
    return Call("PATCH", f"/v1/webhook_endpoints/{_id(endpoint)}", body=body)


def delete_webhook_endpoint(endpoint: WebhookEndpoint | str) -> Call:
    return Call("DELETE", f"/v1/webhook_endpoints/{_id(endpoint)}")


def enable_webhook_endpoint(endpoint: WebhookEndpoint | str) -> Call:
    return Call("POST", f"/v1/webhook_endpoints/{_id(endpoint)}/enable")


def rotate_webhook_secret(endpoint: WebhookEndpoint | str, body: Mapping[str, Any], key: str | None) -> Call:
    return _command(f"/v1/webhook_endpoints/{_id(endpoint)}/rotate_secret", body, key, None)


def list_webhook_deliveries(endpoint: WebhookEndpoint | str, **query: str | int | None) -> Call:
    return Call("GET", f"/v1/webhook_endpoints/{_id(endpoint)}/deliveries", _query(query))


def redeliver_webhook(delivery: WebhookDelivery | str) -> Call:
    return Call("POST", f"/v1/deliveries/{_id(delivery)}/redeliver")


def _sums_query(where: Mapping[str, Any]) -> dict[str, str]:
    """`from` is no name that Python takes."""
    names = {"begins_at": "from", "ends_at": "to"}
    return {names.get(name, name): value for name, value in _query(where).items()}


def _command(path: str, body: Mapping[str, Any], key: str | None, wait_s: float | None) -> Call:
    """Without a key it gets one of its own: the same for as often as this call is tried. Raises ValueError."""
    if key is not None and not (_KEY.fullmatch(key) and key.strip()):
        raise ValueError("an idempotency key is 1 to 255 printable ASCII characters")
    if wait_s is not None and wait_s < 0:
        raise ValueError("wait must not be negative")
    return Call("POST", path, body=body, key=key if key is not None else str(uuid4()), wait_s=wait_s)


def _as_header(key: str) -> str:
    """Bare where it can be; what would be read otherwise than it is written is quoted."""
    if not key.startswith('"') and key == key.strip():
        return key
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _id(of: Payment | Refund | WebhookEndpoint | WebhookDelivery | str) -> str:
    """Ids become part of a path: nothing that could lead elsewhere. Raises ValueError."""
    id = of if isinstance(of, str) else of.id
    if not _ID.fullmatch(id):
        raise ValueError("this is not an id of Millrace's")
    return id


def _query(given: Mapping[str, Any]) -> dict[str, str]:
    """Raises ValueError for a time without its offset."""
    query: dict[str, str] = {}
    for name, value in given.items():
        if isinstance(value, datetime):
            if value.tzinfo is None:
                raise ValueError(f"{name} must be an aware time")
            query[name] = value.isoformat()
        elif isinstance(value, Mapping):
            query |= {f"{name}[{key}]": word for key, word in value.items()}
        elif value is not None:
            query[name] = str(value)
    return query
