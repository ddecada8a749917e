"""Who is calling and what they may do: API keys and scopes. How keys are kept is an adapter's."""

import re

from models.codes import Code
from models.errors import Unavailable
from models.ports import ApiKeys, Principal
from web.operations import Operation
from web.problems import Problem, unavailable
from web.rate_limits import RateLimiting

_BEARER = re.compile(r"(?i:bearer) +(mr_[A-Za-z0-9_]{1,200})", re.ASCII)


class Callers:
    """`livemode`: of the system; only keys of the same mode open it."""

    def __init__(self, keys: ApiKeys, livemode: bool, limiting: RateLimiting) -> None:
        self._keys, self._livemode, self._limiting = keys, livemode, limiting

    async def admit(self, authorization: str | None, operation: Operation) -> Principal:
        """The holder of the key in an `Authorization` header, if `operation` is theirs to do, now. Raises Problem."""
        holder = await self._holder(authorization)
        _may(holder, operation)
        await self._limiting.admit(holder, operation)
        return holder

    async def still(self, authorization: str | None, operation: Operation) -> None:
        """Whether who was admitted may go on: what is revoked ends within five seconds. Costs nothing. Raises Problem."""
        _may(await self._holder(authorization), operation)

    async def _holder(self, authorization: str | None) -> Principal:
        match = _BEARER.fullmatch(authorization.strip()) if authorization else None
        if match is None:
            raise _unauthenticated("An API key is needed: Authorization: Bearer mr_…", error=None)
        try:
            holder = await self._keys.holder(match[1])
        except Unavailable:
            raise unavailable("API keys cannot be checked now.") from None
        if holder is None:
            raise _unauthenticated("This API key is not known, or was revoked.", error="invalid_token")
        if holder.livemode is not self._livemode:
            here, there = ("live", "test") if self._livemode else ("test", "live")
            raise _unauthenticated(
                f"This is a {there} key, and this is a {here} system.", error="invalid_token"
            )
        return holder


def _may(holder: Principal, operation: Operation) -> None:
    if operation.scope and operation.scope not in holder.scopes:
        challenge = f'Bearer realm="millrace", error="insufficient_scope", scope="{operation.scope}"'
        detail = f"This API key lacks the scope {operation.scope}."
        raise Problem(Code.FORBIDDEN, detail, headers={"WWW-Authenticate": challenge})


def _unauthenticated(detail: str, error: str | None) -> Problem:
    """Source: RFC 6750, section 3."""
    challenge = 'Bearer realm="millrace"' + (f', error="{error}"' if error else "")
    return Problem(Code.UNAUTHENTICATED, detail, headers={"WWW-Authenticate": challenge})
