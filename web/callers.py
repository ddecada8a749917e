"""Who is calling and what they may do: API keys, signed tokens, scopes. How keys are kept and tokens verified is an adapter's."""

import re

from models.callers import ApiKeys, Operator, Principal, Tokens
from models.codes import Code
from models.errors import Unavailable
from web.operations import Operation
from web.problems import Problem, unavailable
from web.rate_limits import RateLimiting

TOKEN_MAX_CHARS = 8192
"""Of a signed token: issuers that put a person's groups into it make a few thousand. Headers may be 16 KiB."""

_BEARER = re.compile(
    r"(?i:bearer) +(?:(?P<key>mr_[A-Za-z0-9_]{1,200})|(?P<token>eyJ[\w-]+\.[\w-]*\.[\w-]*))", re.ASCII
)


class Callers:
    """`livemode`: of the system; only keys and tokens of the same mode open it. `tokens` None: only keys do."""

    def __init__(
        self, keys: ApiKeys, livemode: bool, limiting: RateLimiting, tokens: Tokens | None = None
    ) -> None:
        self._keys, self._livemode, self._limiting, self._tokens = keys, livemode, limiting, tokens

    async def admit(self, authorization: str | None, operation: Operation) -> Principal:
        """Who an `Authorization` header says is calling, if `operation` is theirs to do, now. Raises Problem."""
        holder = await self.still(authorization, operation)
        await self.count(holder, operation)
        return holder

    async def count(self, holder: Principal, operation: Operation) -> None:
        """What the operation costs against what its caller may ask for. Raises Problem."""
        await self._limiting.admit(holder, operation)

    async def still(self, authorization: str | None, operation: Operation) -> Principal:
        """Who is calling, if they may do it or go on with it: what is revoked ends within five seconds. Costs nothing. Raises
        Problem.
        """
        return _allowed(await self._holder(authorization), operation)

    async def _holder(self, authorization: str | None) -> Principal | Operator:
        match = _BEARER.fullmatch(authorization.strip()) if authorization else None
        if match is None or len(match[0]) > TOKEN_MAX_CHARS or (match["token"] and self._tokens is None):
            raise _unauthenticated("An API key is needed: Authorization: Bearer mr_…", error=None)
        holder = await (self._of_key(match["key"]) if match["key"] else self._of_token(match["token"]))
        if isinstance(holder, Principal) and holder.livemode is not self._livemode:
            here, there = ("live", "test") if self._livemode else ("test", "live")
            kind = "key" if match["key"] else "token"
            raise _unauthenticated(f"This is a {there} {kind}, and this is a {here} system.")
        return holder

    async def _of_key(self, api_key: str) -> Principal | Operator:
        try:
            holder = await self._keys.holder(api_key)
        except Unavailable:
            raise unavailable("API keys cannot be checked now.") from None
        if holder is None:
            raise _unauthenticated("This API key is not known, was revoked, or has expired.")
        return holder

    async def _of_token(self, token: str) -> Principal:
        assert self._tokens is not None
        try:
            holder = await self._tokens.holder(token)
        except Unavailable:
            raise unavailable("Tokens cannot be checked now.") from None
        if holder is None:
            raise _unauthenticated("This token does not count here, or has expired.")
        return holder


def _allowed(holder: Principal | Operator, operation: Operation) -> Principal:
    if isinstance(holder, Operator):
        raise _forbidden("The operator's own keys open nothing that is a merchant's.", operation)
    if operation.scope and operation.scope not in holder.scopes:
        raise _forbidden(f"The scope {operation.scope} is needed, and the caller lacks it.", operation)
    return holder


def _forbidden(detail: str, operation: Operation) -> Problem:
    challenge = f'Bearer realm="millrace", error="insufficient_scope", scope="{operation.scope}"'
    return Problem(Code.FORBIDDEN, detail, headers={"WWW-Authenticate": challenge})


def _unauthenticated(detail: str, error: str | None = "invalid_token") -> Problem:
    """Source: RFC 6750, section 3."""
    challenge = 'Bearer realm="millrace"' + (f', error="{error}"' if error else "")
    return Problem(Code.UNAUTHENTICATED, detail, headers={"WWW-Authenticate": challenge})
