"""Whose pages in a browser may use the API: the exact origins of a setting. Nobody's by default, and never with cookies."""

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import hdrs, web

REMEMBERED_S = 7200
"""How long a browser need not ask again: as long as Chromium remembers at most."""

ANY = "*"
SENT = (
    "Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "Prefer", "traceparent", "tracestate",
)  # fmt: skip
SHOWN = (
    "ETag", "Idempotent-Replayed", "Location", "Preference-Applied", "RateLimit", "RateLimit-Policy", "Request-Id",
    "Retry-After", "WWW-Authenticate",
)  # fmt: skip
"""Headers that a page may send, and may read. `*` would not cover `Authorization`. Source: Fetch, section 3.3.4."""

NOT_FOR_PAGES = frozenset({"/webhooks/stripe", "/livez", "/readyz", "/metrics"})

Signal = Callable[[web.Request, web.StreamResponse], Awaitable[None]]


def cors(origins: Sequence[str]) -> Signal:
    """For `on_response_prepare`: it sees every answer, problems too. A preflight is an OPTIONS, which the gate answers."""
    anybody = ANY in origins

    async def allow(request: web.Request, response: web.StreamResponse) -> None:
        if request.path in NOT_FOR_PAGES:
            return
        if not anybody:
            _vary_by_origin(response)
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is None or not (anybody or origin in origins):
            return
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = ANY if anybody else origin
        response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = ", ".join(SHOWN)
        asked = request.method == hdrs.METH_OPTIONS and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
        if asked and (methods := response.headers.get(hdrs.ALLOW)):
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = methods
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = ", ".join(SENT)
            response.headers[hdrs.ACCESS_CONTROL_MAX_AGE] = str(REMEMBERED_S)

    return allow


def _vary_by_origin(response: web.StreamResponse) -> None:
    """Also where no origin was sent: a cache must not give that answer to a page."""
    given = response.headers.get(hdrs.VARY)
    response.headers[hdrs.VARY] = f"{given}, {hdrs.ORIGIN}" if given else hdrs.ORIGIN
