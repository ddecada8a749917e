"""Answers, for the OpenAPI document: their headers, their schemas, and an example of every one of them, problems too."""

from collections.abc import Iterable, Sequence
from typing import Any

from models.codes import Code
from web.csv_tables import CONTENT_TYPE as CSV
from web.csv_tables import table
from web.openapi import examples
from web.openapi.problem_examples import SAID
from web.openapi.problem_examples import problem as example_of
from web.problems import CONTENT_TYPE, STATUS
from web.routes import Route

Json = dict[str, Any]

NOT_MODIFIED = "not_modified"
ACCEPTED = {"Payment": "PaymentAccepted", "Refund": "RefundAccepted"}

_SAID = {
    200: "Done.",
    201: "Made.",
    202: "Accepted for good; how it ends is not known yet. It may be some seconds until it can be read.",
}

HEADERS: Json = {
    "Request-Id": {
        "description": "This answer's own; it stands in our logs.",
        "schema": {"type": "string", "pattern": "^req_[0-9a-f]{32}$"},
    },
    "ETag": {
        "description": "Of this very body. Send it as `If-None-Match`.",
        "schema": {"type": "string", "pattern": '^"[0-9a-f]{32}"$'},
    },
    "Cache-Control": {"description": "Who may keep this, and whether it must be asked for again.", "schema": {"type": "string"}},
    "Location": {
        "description": "Where it can be read.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Idempotent-Replayed": {
        "description": "The answer of the first request with this key; nothing was done again.",
        "schema": {"const": "true"},
    },
    "Preference-Applied": {"description": "What of `Prefer` was heeded (RFC 7240).", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds to wait before asking again.", "schema": {"type": "integer", "minimum": 0}},
    "WWW-Authenticate": {"description": "What is missing (RFC 6750).", "schema": {"type": "string"}},
    "Allow": {"description": "The methods that this address takes.", "schema": {"type": "string"}},
    "RateLimit": {
        "description": "What is left of the limit, where one is set (draft-ietf-httpapi-ratelimit-headers).",
        "schema": {"type": "string"},
        "example": '"key";r=95;t=1',
    },
    "RateLimit-Policy": {
        "description": "The limit itself: `q` units within `w` seconds.",
        "schema": {"type": "string"},
        "example": '"key";q=100;w=1',
    },
}  # fmt: skip

_LIMITS = ("RateLimit", "RateLimit-Policy")
_OF_CODE = {
    Code.UNAUTHENTICATED: ("WWW-Authenticate",),
    Code.FORBIDDEN: ("WWW-Authenticate",),
    Code.RATE_LIMITED: ("Retry-After", *_LIMITS),
    Code.UNAVAILABLE: ("Retry-After",),
    Code.METHOD_NOT_ALLOWED: ("Allow",),
}
_ALWAYS = {"Request-Id", "ETag", "Cache-Control", "Location", "WWW-Authenticate", "Allow"}
"""There whenever they are named; others only where they have something to say."""

_LEADS_TO = {
    "create_payment": (
        "payment_id",
        ("get_payment", "capture_payment", "cancel_payment", "create_refund", "list_refunds", "list_events"),
    ),
    "create_refund": ("refund_id", ("get_refund",)),
    "create_webhook_endpoint": (
        "endpoint_id",
        (
            "get_webhook_endpoint",
            "update_webhook_endpoint",
            "rotate_webhook_secret",
            "list_webhook_deliveries",
        ),
    ),
}
"""What can be asked of what was made, by its id."""


def of(route: Route) -> Json:
    """By status."""
    made: Json = {str(status): _success(route, status) for status in route.answers}
    if route.is_conditional:
        made["304"] = {"$ref": f"#/components/responses/{NOT_MODIFIED}"}
    return made | _problems(route.codes)


def problem(codes: Sequence[Code]) -> Json:
    """Several codes may share a status: each is an example."""
    names = ", ".join(f"`{code}`" for code in codes)
    headers = dict.fromkeys(name for code in codes for name in _OF_CODE.get(code, ()))
    content = {
        "schema": {"$ref": "#/components/schemas/ProblemDocument"},
        "examples": {code.value: {"summary": SAID[code], "value": example_of(code)} for code in codes},
    }
    return {
        "description": f"One of {names}." if len(codes) > 1 else f"{names}: {SAID[codes[0]]}",
        "headers": _headers(
            "Request-Id", *headers, sure=len(codes) == 1 and codes[0] is not Code.RATE_LIMITED
        ),
        "content": {CONTENT_TYPE: content},
    }


def not_modified() -> Json:
    return {
        "description": "As in the answer whose `ETag` was sent; without a body.",
        "headers": _headers("Request-Id", "ETag", "Cache-Control"),
    }


def _success(route: Route, status: int) -> Json:
    names = ["Request-Id"]
    if route.command:
        names += ["Location", "Preference-Applied", "Idempotent-Replayed"]
    if route.once:
        names += ["Location", "Idempotent-Replayed"] if status == 201 else ["Idempotent-Replayed"]
    if status == 202:
        names.append("Retry-After")
    if route.is_conditional:
        names += ["ETag", "Cache-Control"]
    if route.scope:
        names += _LIMITS
    made = {"description": _SAID[status], "headers": _headers(*names), "content": _content(route, status)}
    if leads_to := _LEADS_TO.get(route.operation):
        parameter, operations = leads_to
        by_id = {"parameters": {parameter: "$response.body#/id"}}
        made["links"] = {name: {"operationId": name, **by_id} for name in operations}
    return made


def _content(route: Route, status: int) -> Json:
    if route.shows == "Metrics":
        return {"text/plain": {"schema": {"type": "string"}, "example": examples.METRICS}}
    if route.shows == "Document":
        return {"application/json": {"schema": {"type": "object"}, "example": examples.DOCUMENT}}
    if status == 202:
        either = [_ref(route.shows), _ref(ACCEPTED[route.shows])]
        shown = {"schema": {"anyOf": either}, "example": examples.accepted(route.shows)}
        return {"application/json": shown}
    told = {name: {"summary": said, "value": value} for name, (said, value) in examples.of(route).items()}
    made: Json = {"application/json": {"schema": _ref(route.shows), "examples": told}}
    if route.has_csv:
        made[CSV] = {"schema": {"type": "string"}, "example": _table(told)}
    return made


def _table(told: Json) -> str:
    rows = next(iter(told.values()))["value"]["data"]
    return table(rows, rows[0])


def _problems(codes: Iterable[Code]) -> Json:
    by_status: dict[str, list[Code]] = {}
    for code in sorted(set(codes), key=lambda code: (STATUS[code], code)):
        by_status.setdefault(str(STATUS[code]), []).append(code)
    return {
        status: {"$ref": f"#/components/responses/{found[0].value}"} if len(found) == 1 else problem(found)
        for status, found in by_status.items()
    }


def _headers(*names: str, sure: bool = True) -> Json:
    """`sure`: whether each answer that this tells of has them."""

    def one(name: str) -> Json:
        required = sure and name in _ALWAYS
        return HEADERS[name] | {"required": True} if required else {"$ref": f"#/components/headers/{name}"}

    return {name: one(name) for name in names}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}
