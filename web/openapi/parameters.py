"""What a request names beside its body, for the OpenAPI document: path, query and headers. Each with an example."""

from typing import Any

from models import fields, ids
from models.analytics import METHODS
from models.figures import STEPS
from models.payment import PaymentStatus
from models.webhooks import DELIVERY_ID, ENDPOINT_ID, STATES
from web.analytics import RANGES
from web.idempotency import KEY_MAX_CHARS
from web.patience import WAIT_MAX_S
from web.reading import LIMIT_DEFAULT, LIMIT_MAX, METADATA_FILTERS_MAX, SEQUENCE_MAX
from web.routes import Route
from web.shown import DELIVERY_EXAMPLE_ID, ENDPOINT_EXAMPLE_ID, PAYMENT_EXAMPLE_ID, REFUND_EXAMPLE_ID

Json = dict[str, Any]

_PAYMENT_ID: Json = {"type": "string", "pattern": f"^{ids.PAYMENT_ID.pattern}$"}
_REFUND_ID: Json = {"type": "string", "pattern": f"^{ids.REFUND_ID.pattern}$"}
_ENDPOINT_ID: Json = {"type": "string", "pattern": f"^{ENDPOINT_ID.pattern}$"}
_DELIVERY_ID: Json = {"type": "string", "pattern": f"^{DELIVERY_ID.pattern}$"}
_TIME: Json = {
    "type": "string",
    "format": "date-time",
    "description": "With its offset; `+` is written `%2B` in a query.",
}
_VALUE: Json = {"type": "string", "maxLength": fields.METADATA_VALUE_MAX_CHARS, "pattern": fields.PLAIN_TEXT}
_METADATA: Json = {
    "type": "object",
    "propertyNames": {"maxLength": fields.METADATA_NAME_MAX_CHARS, "pattern": fields.METADATA_NAME},
    "maxProperties": METADATA_FILTERS_MAX,
    "additionalProperties": _VALUE,
    "description": "All of these names and values: `metadata[order]=6735`.",
}

_PATH: dict[str, tuple[Json, str, str]] = {
    "payment_id": (_PAYMENT_ID, PAYMENT_EXAMPLE_ID, "The payment."),
    "refund_id": (_REFUND_ID, REFUND_EXAMPLE_ID, "The refund."),
    "endpoint_id": (_ENDPOINT_ID, ENDPOINT_EXAMPLE_ID, "The webhook endpoint."),
    "delivery_id": (_DELIVERY_ID, DELIVERY_EXAMPLE_ID, "The delivery: its `webhook-id`."),
    "name": ({"type": "string"}, "payment.captured.v1.json", "The record's `ce_type`, and `.json`."),
}

_QUERY: dict[str, tuple[Json, Any, str]] = {
    "status": ({}, "", "Of this status now."),
    "currency": ({"type": "string", "pattern": fields.CURRENCY.regex}, "usd", "In this currency."),
    "customer": (
        {
            "type": "string",
            "minLength": 1,
            "maxLength": fields.CUSTOMER_MAX_CHARS,
            "pattern": fields.PLAIN_TEXT,
        },
        "cus_NffrFeUfNV2Hib",
        "Of this customer.",
    ),
    "created_after": (_TIME, "2026-01-01T00:00:00Z", "Made later than this."),
    "created_before": (_TIME, "2026-02-01T00:00:00Z", "Made before this."),
    "from": (_TIME, "2026-01-01T00:00:00Z", "From the bucket in which this is."),
    "to": (_TIME, "2026-02-01T00:00:00Z", f"To the end of the last bucket that begins before this. {RANGES}"),
    "payment_method": ({"type": "string", "enum": list(METHODS)}, "card", "By this kind of method."),
    "interval": ({"type": "string", "enum": list(STEPS)}, "day", "How long a bucket is; days are UTC's."),
    "metadata": (_METADATA, {"order": "6735"}, "With these names and values."),
    "payment": (
        _PAYMENT_ID,
        PAYMENT_EXAMPLE_ID,
        "Of this payment. A key that was used for refunds of several payments has made refunds of one id; without this, the one "
        "made last is shown.",
    ),
    "limit": (
        {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT},
        20,
        "How many, at most.",
    ),
    "starting_after": ({}, "", "The last id of the page before. Not beside `ending_before`."),
    "ending_before": ({}, "", "The first id of the page after."),
    "after_sequence": (
        {"type": "integer", "minimum": 0, "maximum": SEQUENCE_MAX, "default": 0},
        0,
        "The `sequence` of the last event that was seen.",
    ),
}

_LISTED: dict[str, tuple[Json, str]] = {
    "PaymentList": (_PAYMENT_ID, PAYMENT_EXAMPLE_ID),
    "RefundList": (_REFUND_ID, REFUND_EXAMPLE_ID),
    "WebhookEndpointList": (_ENDPOINT_ID, ENDPOINT_EXAMPLE_ID),
    "WebhookDeliveryList": (_DELIVERY_ID, DELIVERY_EXAMPLE_ID),
}
_STATUS_OF: dict[str, tuple[Json, str]] = {
    "PaymentList": ({"type": "string", "enum": [str(status) for status in PaymentStatus]}, "captured"),
    "WebhookDeliveryList": ({"type": "string", "enum": list(STATES)}, "failed"),
}
"""What a list holds: its ids, and its statuses."""

_REQUIRED = {"from", "to", "interval"}

_IDEMPOTENCY_KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "Names this request for ever: repeated with the same key and body it is carried out once and "
    "answered again (`Idempotent-Replayed: true`); with another body it is refused.",
    "schema": {"type": "string", "minLength": 1, "maxLength": KEY_MAX_CHARS, "pattern": "^[!#-~]+$"},
    "example": "order-6735-payment",
}
_MAY_HAVE_KEY = _IDEMPOTENCY_KEY | {
    "required": False,
    "description": "Repeated with the same key it is carried out once, and answered again with the same secret "
    "(`Idempotent-Replayed: true`) while there is no newer one.",
    "example": "endpoint-of-the-shop",
}
_PREFER: Json = {
    "name": "Prefer",
    "in": "header",
    "description": f"`wait=N`: wait up to N seconds ({WAIT_MAX_S:.0f} at most) for the end; `respond-async`: do not "
    "wait. RFC 7240; what was applied is in `Preference-Applied`.",
    "schema": {"type": "string"},
    "example": "wait=10",
}
_IF_NONE_MATCH: Json = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The `ETag` of an answer that is here already, or several; 304 where it is still the same.",
    "schema": {"type": "string"},
    "example": '"0123456789abcdef0123456789abcdef"',
}
_SIGNATURE: Json = {
    "name": "Stripe-Signature",
    "in": "header",
    "required": True,
    "description": "Stripe's, over the body and its time.",
    "schema": {"type": "string"},
    "example": "t=1769860800,v1=5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd",
}


def of(route: Route) -> list[Json]:
    made = [_path(name) for name in _PATH if f"{{{name}}}" in route.path]
    made += [_query(name, route) for name in route.query]
    if route.command:
        made += [_IDEMPOTENCY_KEY, _PREFER]
    if route.once:
        made.append(_MAY_HAVE_KEY)
    if route.is_conditional:
        made.append(_IF_NONE_MATCH)
    if route.operation == "take_notice":
        made.append(_SIGNATURE)
    return made


def _path(name: str) -> Json:
    schema, example, said = _PATH[name]
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": said,
        "schema": schema,
        "example": example,
    }


def _query(name: str, route: Route) -> Json:
    schema, example, said = _QUERY[name]
    if name in ("starting_after", "ending_before"):
        schema, example = _LISTED[route.shows]
    if name == "status":
        schema, example = _STATUS_OF[route.shows]
    made = {"name": name, "in": "query", "description": said, "schema": schema, "example": example}
    if name in _REQUIRED:
        made["required"] = True
    return made | {"style": "deepObject", "explode": True} if name == "metadata" else made
