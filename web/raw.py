"""Answers as bytes, to what never became a request. Which, is decided elsewhere."""

import orjson
from aiohttp import hdrs

from web import answers
from web.problems import CONTENT_TYPE, Problem
from web.request_ids import HEADER as REQUEST_ID_HEADER
from web.request_ids import new_request_id


def raw(problem: Problem, request_id: str | None = None, closes: bool = True) -> bytes:
    """`request_id` None: a new one. `closes`: the connection ends with it."""
    request_id = request_id or new_request_id()
    body = orjson.dumps(problem.document(request_id))
    headers = {
        hdrs.CONTENT_TYPE: CONTENT_TYPE,
        hdrs.CONTENT_LENGTH: str(len(body)),
        **({hdrs.CONNECTION: "close"} if closes else {}),
        hdrs.SERVER: answers.SERVER,
        **answers.PRIVATE,
        REQUEST_ID_HEADER: request_id,
        **problem.headers,
    }
    lines = [
        f"HTTP/1.1 {problem.status} {problem.code}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body
