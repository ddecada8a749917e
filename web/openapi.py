"""The OpenAPI document, made from the table of routes and the models: `python -m web.openapi` writes `docs/openapi.json`.

Nothing is described here that the code does not say; a test compares what is committed with what is made.
"""

import json
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from models import fields
from models.codes import Code
from models.payment import PaymentStatus
from web.bodies import BODIES
from web.idempotency import KEY_MAX_CHARS
from web.operations import SCOPES
from web.patience import WAIT_MAX_S
from web.problems import CONTENT_TYPE, STATUS, Problem
from web.reading import LIMIT_DEFAULT, LIMIT_MAX, SEQUENCE_MAX
from web.routes import ROUTES, Route
from web.shown import PAYMENT_EXAMPLE_ID, SHOWN
from web.upkeep import DOCUMENTS

TARGET = DOCUMENTS / "openapi.json"
REFUND_EXAMPLE_ID = "re_6f9619ff8b86d011b42d00c04fc964ff"
_TIME = {"type": "string", "format": "date-time"}

_QUERY: dict[str, dict[str, Any]] = {
    "status": {"type": "string", "enum": [str(status) for status in PaymentStatus]},
    "currency": {"type": "string", "pattern": fields.CURRENCY.regex},
    "customer": {"type": "string", "minLength": 1, "maxLength": fields.CUSTOMER_MAX_CHARS},
    "created_after": _TIME,
    "created_before": _TIME,
    "metadata": {"type": "object", "additionalProperties": {"type": "string"}, "example": {"order": "6735"}},
    "limit": {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT},
    "starting_after": {"type": "string", "description": "The last id of the page before."},
    "ending_before": {"type": "string", "description": "The first id of the page after."},
    "after_sequence": {"type": "integer", "minimum": 0, "maximum": SEQUENCE_MAX, "default": 0},
}

_COMMAND_HEADERS = [
    {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": "Names this request for ever: repeated with the same key and body it is carried out once and "
        "answered again (`Idempotent-Replayed: true`); with another body it is refused.",
        "schema": {"type": "string", "minLength": 1, "maxLength": KEY_MAX_CHARS},
        "example": "order-6735-payment",
    },
    {
        "name": "Prefer",
        "in": "header",
        "description": f"`wait=N`: wait up to N seconds ({WAIT_MAX_S:.0f} at most) for the end; `respond-async`: do not "
        "wait. RFC 7240; what was applied is in `Preference-Applied`.",
        "schema": {"type": "string"},
        "example": "wait=10",
    },
]


def document() -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Millrace",
            "version": version("millrace"),
            "summary": "Payments that are made once, whatever happens.",
            "description": "Amounts are integers in minor units. A 2xx answer to a POST is given only for what is durable.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": _paths(),
        "components": {
            "schemas": _schemas(),
            "responses": {code.value: _problem_response(code) for code in STATUS},
            "securitySchemes": {
                "api_key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key of the system's own mode, `mr_test_…` or `mr_live_…`; or, where the system has "
                    "an issuer, a signed token (JWT) of its. Scopes: "
                    + " ".join(f"`{s}`: {t}" for s, t in SCOPES.items()),
                }
            },
        },
    }


def _paths() -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return paths


def _operation(route: Route) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": route.operation,
        "summary": route.summary,
        "parameters": [*_path_parameters(route.path), *(_query_parameter(name) for name in route.query)],
        "responses": {str(status): _success(route, status) for status in route.answers}
        | _problems(route.codes),
    }
    if route.scope:
        made["security"] = [{"api_key": []}]
        made["description"] = f"Needs the scope `{route.scope}`."
    if route.command:
        body = BODIES[route.command]
        made["parameters"] += _COMMAND_HEADERS
        made["requestBody"] = {
            "required": any(field.is_required() for field in body.model_fields.values()),
            "content": {"application/json": {"schema": _ref(body.__name__)}},
        }
    elif route.method == "POST":
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": {}}}}
    return made


def _success(route: Route, status: int) -> dict[str, Any]:
    headers = {"Request-Id": {"schema": {"type": "string"}}}
    if route.command:
        headers |= {"Location": {"schema": {"type": "string"}}}
        headers |= {"Idempotent-Replayed": {"schema": {"type": "string"}}}
    if status == 202:
        headers |= {"Retry-After": {"schema": {"type": "integer"}}}
    said = "Accepted for good; how it ends is not known yet." if status == 202 else "Done."
    content: dict[str, Any] = {"application/json": {"schema": _ref(route.shows)}}
    if route.shows == "Metrics":
        content = {"text/plain": {"schema": {"type": "string"}}}
    elif route.shows == "Document":
        content = {"application/json": {"schema": {"type": "object"}}}
    return {"description": said, "headers": headers, "content": content}


def _problems(codes: Iterable[Code]) -> dict[str, Any]:
    """By status; where several codes share one, each is told as an example of its response."""
    by_status: dict[str, list[Code]] = {}
    for code in sorted(set(codes), key=lambda code: (STATUS[code], code)):
        by_status.setdefault(str(STATUS[code]), []).append(code)
    return {
        status: {"$ref": f"#/components/responses/{found[0].value}"} if len(found) == 1 else _either(found)
        for status, found in by_status.items()
    }


def _either(codes: list[Code]) -> dict[str, Any]:
    examples = {code.value: {"value": _example(code)} for code in codes}
    names = ", ".join(f"`{code}`" for code in codes)
    content = {CONTENT_TYPE: {"schema": _ref("ProblemDocument"), "examples": examples}}
    return {"description": f"One of {names}.", "content": content}


def _problem_response(code: Code) -> dict[str, Any]:
    content = {CONTENT_TYPE: {"schema": _ref("ProblemDocument"), "example": _example(code)}}
    return {"description": f"`{code}`", "content": content}


def _example(code: Code) -> dict[str, Any]:
    return Problem(code, "A sentence for people.").document("req_6f9619ff8b86d011b42d00c04fc964ff")


def _path_parameters(path: str) -> list[dict[str, Any]]:
    examples = {"payment_id": PAYMENT_EXAMPLE_ID, "refund_id": REFUND_EXAMPLE_ID}
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "example": example}
        for name, example in examples.items()
        if f"{{{name}}}" in path
    ]


def _query_parameter(name: str) -> dict[str, Any]:
    style = {"style": "deepObject", "explode": True} if name == "metadata" else {}
    return {"name": name, "in": "query", "schema": _QUERY[name], **style}


def _schemas() -> dict[str, Any]:
    shown = [(model, "serialization") for model in SHOWN]
    taken = [(model, "validation") for model in BODIES.values()]
    _, schema = models_json_schema([*taken, *shown], ref_template="#/components/schemas/{model}")  # type: ignore[list-item]
    schemas: dict[str, Any] = schema["$defs"]
    for model in SHOWN:  # a view may be shorter than its model: see Payment
        if model.__name__ in ("Payment", "Refund"):
            schemas[model.__name__]["required"] = ["id", "object", "status"]
    return schemas


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def written() -> str:
    return json.dumps(document(), indent=1, ensure_ascii=False, sort_keys=False) + "\n"


def main(target: Path = TARGET) -> None:
    target.write_text(written(), encoding="utf-8")
    sys.stdout.write(f"{target.name} written\n")


if __name__ == "__main__":
    main()
