"""An answer before it becomes HTTP, and the headers Stripe sends with it."""

from __future__ import annotations

from typing import NamedTuple

import orjson
from aiohttp import web

from .errors import StripeError
from .records import JSON
from .render import API_VERSION


class Answer(NamedTuple):
    status: int
    body: bytes
    should_retry: bool | None = None
    replay_of: str | None = None  # the first request's id
    limited_by: str | None = None  # which rate limit was met


class Asked(NamedTuple):
    """What of the request shows in the answer's headers."""

    request_id: str
    key: str | None
    version: str | None


def of_json(body: JSON) -> Answer:
    return Answer(200, orjson.dumps(body))


def of_error(error: StripeError, request_id: str) -> Answer:
    body = orjson.dumps(error.envelope(request_id))
    return Answer(error.status, body, error.should_retry, limited_by=error.limited_by)


def to_http(answer: Answer, asked: Asked) -> web.Response:
    headers = {
        "Content-Type": "application/json",
        "Request-Id": asked.request_id,
        "Stripe-Version": asked.version or API_VERSION,
    }
    if asked.key is not None:
        headers["Idempotency-Key"] = asked.key
        headers["Original-Request"] = answer.replay_of or asked.request_id
    if answer.replay_of:
        headers["Idempotent-Replayed"] = "true"
    if answer.should_retry is not None:
        headers["Stripe-Should-Retry"] = "true" if answer.should_retry else "false"
    if answer.limited_by:
        headers["Stripe-Rate-Limited-Reason"] = answer.limited_by
    return web.Response(status=answer.status, body=answer.body, headers=headers)
