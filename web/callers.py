"""Who is calling and what they may do: API keys and scopes. How keys are kept is an adapter's."""

import re

from models.codes import Code
from models.errors import Unavailable
from models.ports import Principal
from web.ports import Ports
from web.problems import Problem, unavailable

PAYMENTS_READ, PAYMENTS_WRITE, REFUNDS_WRITE = "payments:read", "payments:write", "refunds:write"
SCOPES = {
    PAYMENTS_READ: "Read payments, refunds and their stories.",
    PAYMENTS_WRITE: "Make, capture and cancel payments.",
    REFUNDS_WRITE: "Make refunds.",
}

_BEARER = re.compile(r"(?i:bearer) +(mr_[A-Za-z0-9_]{1,200})", re.ASCII)


async def authenticate(ports: Ports, authorization: str | None, scope: str) -> Principal:
    """The holder of the key in an `Authorization` header, if `scope` is theirs. Raises Problem."""
    match = _BEARER.fullmatch(authorization.strip()) if authorization else None
    if match is None:
        raise _unauthenticated("An API key is needed: Authorization: Bearer mr_…", error=None)
    try:
        holder = await ports.keys.holder(match[1])
    except Unavailable:
        raise unavailable("API keys cannot be checked now.") from None
    if holder is None:
        raise _unauthenticated("This API key is not known, or was revoked.", error="invalid_token")
    if holder.livemode is not ports.livemode:
        here, there = ("live", "test") if ports.livemode else ("test", "live")
        raise _unauthenticated(f"This is a {there} key, and this is a {here} system.", error="invalid_token")
    if scope not in holder.scopes:
        challenge = f'Bearer realm="millrace", error="insufficient_scope", scope="{scope}"'
        detail = f"This API key lacks the scope {scope}."
        raise Problem(Code.FORBIDDEN, detail, headers={"WWW-Authenticate": challenge})
    return holder


def _unauthenticated(detail: str, error: str | None) -> Problem:
    """Source: RFC 6750, section 3."""
    challenge = 'Bearer realm="millrace"' + (f', error="{error}"' if error else "")
    return Problem(Code.UNAUTHENTICATED, detail, headers={"WWW-Authenticate": challenge})
