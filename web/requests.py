"""What is read from an HTTP request: its JSON body, its query string, its trace, its limits. Not what it means."""

import asyncio
import re
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from models.codes import Code
from models.commands import FieldError
from web import json_bodies
from web.json_bodies import BODY_MAX_BYTES
from web.problems import Problem, invalid, sayable
from web.reading import Query

BODY_READ_MAX_S = 10.0
"""For a body to arrive: the largest one over a slow line."""

_JSON = re.compile(r'application/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?', re.ASCII | re.IGNORECASE)
TRACE: web.RequestKey[str | None] = web.RequestKey("trace", str)
"""Of the request's own span, or as it came; laid there by the gate."""


async def json_body(request: web.Request) -> dict[str, Any]:
    """The object in the body; an absent body is an empty object. Raises Problem."""
    body = await raw_body(request, BODY_MAX_BYTES)
    if body and not _JSON.fullmatch(request.headers.get("Content-Type", "").strip()):
        raise Problem(Code.UNSUPPORTED_MEDIA_TYPE, "The body must be application/json in UTF-8.")
    return json_bodies.decode(body)


async def raw_body(request: web.Request, max_bytes: int, within_s: float | None = None) -> bytes:
    """`within_s`: by default BODY_READ_MAX_S. Raises Problem when it is too large, too slow, compressed or cut."""
    if not request.body_exists:
        return b""
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise Problem(Code.UNSUPPORTED_MEDIA_TYPE, "The body must not be compressed.")
    if (request.content_length or 0) > max_bytes:
        raise _too_large(max_bytes)
    try:
        body = await _read(request, within_s)
    except TimeoutError:
        raise Problem(Code.REQUEST_TIMEOUT, "The body did not come in time.") from None
    except web.HTTPRequestEntityTooLarge:
        raise _too_large(max_bytes) from None
    except (web.RequestPayloadError, ConnectionError):
        raise Problem(Code.MALFORMED_REQUEST, "The body was cut or is not framed as HTTP asks.") from None
    if len(body) > max_bytes:
        raise _too_large(max_bytes)
    return body


async def _read(request: web.Request, within_s: float | None) -> bytes:
    if request.content.is_eof():  # it came along with the headers: no time-out to set up
        return await request.read()
    async with asyncio.timeout(BODY_READ_MAX_S if within_s is None else within_s):
        return await request.read()


def _too_large(max_bytes: int) -> Problem:
    return Problem(Code.PAYLOAD_TOO_LARGE, f"The body must be at most {max_bytes // 1024} KiB.")


def query(request: web.Request) -> Query:
    """The names and values of the query string, decoded, in order. Raises Problem where they are not UTF-8."""
    try:
        return parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:  # it quotes the query
        raise invalid([FieldError("query", "must be UTF-8, percent-encoded")]) from None


def no_query(request: web.Request) -> None:
    """Where none is taken: what is ignored may have been meant. Raises Problem."""
    names = dict.fromkeys(sayable(name) for name, _ in query(request))
    if names:
        raise invalid([FieldError(name, "is not taken here") for name in names])


def authorization(request: web.Request) -> str | None:
    """The one value of that header."""
    given = request.headers.getall("Authorization", ())
    return given[0] if len(given) == 1 else None


def trace(request: web.Request) -> str | None:
    """A traceparent, for what the request leads to."""
    return request.get(TRACE)
