"""HTTP answers: JSON and problems, with what every answer carries. Which answer, is decided elsewhere."""

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import hdrs, web

from models.ports import Page, View
from web import conditional, problems
from web.problems import Problem
from web.request_ids import HEADER as REQUEST_ID_HEADER

SERVER = "millrace"  # and not which version of what
REPLAYED = {"Idempotent-Replayed": "true"}
PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def named(response: web.StreamResponse, request_id: str) -> None:
    """With what every answer carries, whatever it is to and whoever gives it."""
    response.headers[REQUEST_ID_HEADER] = request_id
    response.headers[hdrs.SERVER] = SERVER


def json(
    body: Any,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    content_type: str = "application/json",
) -> web.Response:
    all_headers = {**PRIVATE, **headers} if headers else PRIVATE
    return web.Response(
        body=orjson.dumps(body), status=status, headers=all_headers, content_type=content_type
    )


def read(request: web.Request, found: View | Page) -> web.Response:
    """What was asked for, or 304 for whoever has it already."""
    if isinstance(found, Page):
        found = {"object": "list", "data": found.data, "has_more": found.has_more}
    return conditional.answer(request, orjson.dumps(found))


def problem(said: Problem, request_id: str) -> web.Response:
    headers = {**PRIVATE, **said.headers, **(REPLAYED if said.replayed else {})}
    body = orjson.dumps(said.document(request_id))
    return web.Response(body=body, status=said.status, headers=headers, content_type=problems.CONTENT_TYPE)
