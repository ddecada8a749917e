"""What is read from an HTTP request: its JSON body, its trace, its limits. Not what it means."""

import asyncio
import re
from typing import Any

from aiohttp import web

from models.codes import Code
from web import json_bodies
from web.json_bodies import BODY_MAX_BYTES
from web.problems import Problem

BODY_READ_MAX_S = 10.0
"""For a body to arrive: the largest one over a slow line."""

_JSON = re.compile(r'application/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?', re.ASCII | re.IGNORECASE)
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
"""Source: W3C Trace Context, version 00."""


async def json_body(request: web.Request) -> dict[str, Any]:
    """The object in the body; an absent body is an empty object. Raises Problem."""
    body = await raw_body(request, BODY_MAX_BYTES)
    if body and not _JSON.fullmatch(request.headers.get("Content-Type", "").strip()):
        raise Problem(Code.UNSUPPORTED_MEDIA_TYPE, "The body must be application/json in UTF-8.")
    return json_bodies.decode(body)


async def raw_body(request: web.Request, max_bytes: int) -> bytes:
    """Raises Problem when it is too large, too slow, compressed or cut."""
    if not request.body_exists:
        return b""
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise Problem(Code.UNSUPPORTED_MEDIA_TYPE, "The body must not be compressed.")
    if (request.content_length or 0) > max_bytes:
        raise _too_large(max_bytes)
    try:
        body = await _read(request)
    except TimeoutError:
        raise Problem(Code.REQUEST_TIMEOUT, "The body did not come in time.") from None
    except web.HTTPRequestEntityTooLarge:
        raise _too_large(max_bytes) from None
    except (web.RequestPayloadError, ConnectionError):
        raise Problem(Code.MALFORMED_REQUEST, "The body was cut or is not framed as HTTP asks.") from None
    if len(body) > max_bytes:
        raise _too_large(max_bytes)
    return body


async def _read(request: web.Request) -> bytes:
    if request.content.is_eof():  # it came along with the headers: no time-out to set up
        return await request.read()
    async with asyncio.timeout(BODY_READ_MAX_S):
        return await request.read()


def _too_large(max_bytes: int) -> Problem:
    return Problem(Code.PAYLOAD_TOO_LARGE, f"The body must be at most {max_bytes // 1024} KiB.")


def authorization(request: web.Request) -> str | None:
    given = request.headers.getall("Authorization", ())
    return given[0] if len(given) == 1 else None


def trace(request: web.Request) -> str | None:
    given = request.headers.get("traceparent")
    return given if given and _TRACEPARENT.fullmatch(given) else None
