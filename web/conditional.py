"""Reads with a validator: an answer's `ETag`, and 304 for whoever has that answer already. What is read is not decided here.

The tag is of the body, not of a payment's sequence: a replay after an upgrade writes the same sequence with more members.
"""

import re
from collections.abc import Iterable
from hashlib import blake2b

from aiohttp import web

TAG_BYTES = 16
"""So that no two bodies are ever taken for one."""

OF_THE_CALLER = "private, no-cache"
"""May be kept where only the caller looks, and is asked for again before it is shown. Source: RFC 9111, section 5.2.2."""
OF_EVERYBODY = "no-cache"

_TAG = re.compile(r'(?:W/)?("[^"]*")')
"""Compared weakly: a proxy that compresses makes a strong tag weak. Source: RFC 9110, sections 8.8.3.2 and 13.1.2."""


def answer(
    request: web.Request, body: bytes, content_type: str = "application/json", cache: str = OF_THE_CALLER
) -> web.Response:
    """200 with the body; 304 without, but with the headers that the 200 would have (RFC 9110, section 15.4.5)."""
    tag = etag(body)
    headers = {"ETag": tag, "Cache-Control": cache, "X-Content-Type-Options": "nosniff"}
    if is_known(request.headers.getall("If-None-Match", ()), tag):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, headers=headers | {"Content-Type": content_type})


def etag(body: bytes) -> str:
    return f'"{blake2b(body, digest_size=TAG_BYTES).hexdigest()}"'


def is_known(given: Iterable[str], tag: str) -> bool:
    """Whether one of the values of `If-None-Match`, each `*` or a list of tags, is met by `tag`."""
    return any(value.strip() == "*" or tag in _TAG.findall(value) for value in given)
