"""The OpenAPI document, made from the table of routes and the models; `docs/generate.py` writes it to `web/documents/`.

Nothing is described here that the code does not say; a test compares what is committed with what is made.
"""

import json
from importlib.metadata import version
from typing import Any

from pydantic.json_schema import models_json_schema

from web.bodies import BODIES
from web.conditional import TAG_BYTES
from web.openapi import parameters, requests, responses
from web.operations import SCOPES
from web.problems import STATUS
from web.routes import ROUTES, Route
from web.shown import SHOWN

OVER_KAFKA_ONLY = "ResolveBody"

ABOUT = f"""Payments that are made once, whatever happens: a request that may have been lost is sent again, with the same key.

* **Money** is an integer in minor units beside a lowercase ISO 4217 code: `1999` and `usd` are $19.99. Times are RFC 3339 in UTC.
* **Every POST that moves money names itself** by an `Idempotency-Key`. With the same key and body it is carried out once and
  answered again, for good; with the same key and another body it is refused. Keys are a merchant's own, and the same through
  every door: REST, GraphQL, gRPC and Kafka.
* **2xx means durable.** 202 says that the end is not known yet: ask `Location`, where it may be some seconds until a
  new payment is found, or send the same request again. Where no answer came, or a problem says `retryable`, send the same request
  again.
* **Problems** are RFC 9457 documents. Branch on `code`; `errors` names every field at fault. None repeats what was sent.
* **Unknown members and query parameters are refused**, so that none is taken for heard. Answers may gain members.
* **No card numbers**, anywhere: what looks like one is refused and kept nowhere.
* **Reads carry an `ETag`** of {TAG_BYTES * 2} hexadecimal digits; with `If-None-Match` they answer 304 where nothing changed.
  Every GET can be asked as HEAD, every address as OPTIONS. `Accept` is looked at where there are tables too (`text/csv`), and
  nowhere else: there is one form of everything.
* **Lists** are newest first and paged by cursors: `starting_after` the last id of a page, while `has_more`.
"""

TAGS = {
    "payments": "Make, capture, cancel and read payments.",
    "refunds": "Give money back.",
    "webhooks": "Be told of events: endpoints of your own, and what was sent to them.",
    "analytics": "What payments add up to: counts, volumes and rates, by currency.",
    "upkeep": "Health, metrics and documents: no API key is asked for.",
    "provider": "Stripe's own door.",
}


def document() -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Millrace",
            "version": version("millrace"),
            "summary": "Payments that are made once, whatever happens.",
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": said} for name, said in TAGS.items()],
        "paths": _paths(),
        "components": {
            "schemas": _schemas(),
            "responses": {code.value: responses.problem([code]) for code in STATUS}
            | {responses.NOT_MODIFIED: responses.not_modified()},
            "headers": responses.HEADERS,
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
        if route.told:
            paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return paths


def _operation(route: Route) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": route.operation,
        "tags": [route.tag],
        "summary": route.summary,
        "parameters": parameters.of(route),
        "responses": responses.of(route),
    }
    if route.scope:
        made["security"] = [{"api_key": []}]
        made["description"] = f"Needs the scope `{route.scope}`."
    if route.method in ("POST", "PATCH"):
        made["requestBody"] = requests.body(route)
    return made


def _schemas() -> dict[str, Any]:
    shown = [(model, "serialization") for model in SHOWN]
    taken = [(model, "validation") for model in BODIES.values() if model.__name__ != OVER_KAFKA_ONLY]
    _, schema = models_json_schema([*taken, *shown], ref_template="#/components/schemas/{model}")  # type: ignore[list-item]
    schemas: dict[str, Any] = schema["$defs"]
    for model in SHOWN:
        for member in schemas[model.__name__].get("properties", {}).values():
            member.pop("default", None)  # what is left out of an answer has no value
    return schemas


def written() -> str:
    return json.dumps(document(), indent=1, ensure_ascii=False, sort_keys=False) + "\n"
