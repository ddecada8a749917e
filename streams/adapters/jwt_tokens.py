"""Signed tokens (JWT) of one issuer: verified, and read as who calls. The issuer's keys are `jwt_keys.py`'s.

A token is taken for what its issuer signed and for nothing more: which algorithm, from where the key comes and what the signature
covers is never the token's to say. Source: RFC 7519; RFC 8725 (best current practices).
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeGuard

import jwt
from jwt.exceptions import PyJWTError

from models.callers import Principal
from models.scopes import SCOPES
from streams.adapters.jwt_keys import ALGORITHMS, JwtKeys

LIFETIME_MAX_S = 24 * 3600
"""A token cannot be revoked by itself: one that is good for longer than a day is not taken."""

SUBJECT_MAX_CHARS = 255
"""Source: OpenID Connect Core 1.0, section 2."""

KID_MAX_CHARS = 200
TYPES = ("jwt", "at+jwt")
"""Source: RFC 7519, section 5.1; RFC 9068, section 2.1."""

TAKEN_FROM_NO_TOKEN = frozenset({"jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc"})
"""Headers that name a key, or change what is signed or how it is read. Source: RFC 7515, section 4.1; RFC 7797."""

REQUIRED = ["iss", "aud", "exp", "sub"]

log = logging.getLogger("millrace.jwt")


class NotTaken(Exception):
    """Why a token does not count, in words that hold nothing of it."""


@dataclass(frozen=True, slots=True)
class Expected:
    """`merchant_claim`: which claim names the merchant. `leeway_s`: how far the issuer's clock may be off."""

    issuer: str
    audience: str
    merchant_claim: str
    leeway_s: float


class JwtTokens:
    """Fulfils Tokens. `merchant_exists` may raise Unavailable."""

    def __init__(
        self, keys: JwtKeys, expected: Expected, merchant_exists: Callable[[str], Awaitable[bool]]
    ) -> None:
        self._keys, self._expected, self._merchant_exists = keys, expected, merchant_exists

    def start(self) -> None:
        self._keys.start()

    async def stop(self) -> None:
        await self._keys.stop()

    async def holder(self, token: str) -> Principal | None:
        try:
            claims = await self._verified(token)
            principal = self._principal(claims)
            if not await self._merchant_exists(principal.merchant):
                raise NotTaken("it names no merchant that is known here")
        except NotTaken as refused:
            log.debug("a token is not taken: %s", refused)
            return None
        return principal

    async def _verified(self, token: str) -> Mapping[str, Any]:
        kid, algorithm = _named(token)
        key = await self._keys.key(kid, algorithm)
        if key is None:
            raise NotTaken("no key of that name for that algorithm")
        expected = self._expected
        try:
            return jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                issuer=expected.issuer,
                audience=expected.audience,
                leeway=expected.leeway_s,
                options={"require": REQUIRED},
            )
        except (PyJWTError, ValueError, TypeError) as refused:
            raise NotTaken(type(refused).__name__) from None

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        subject, merchant = claims["sub"], claims.get(self._expected.merchant_claim)
        if not _is_name(subject):
            raise NotTaken("its subject is none")
        if not _is_name(merchant):
            raise NotTaken("it names no merchant")
        livemode, scope = claims.get("livemode", False), claims.get("scope", "")
        if not isinstance(livemode, bool) or not isinstance(scope, str):
            raise NotTaken("its mode or its scope cannot be read")
        scopes = frozenset(scope.split()) & SCOPES.keys()  # never the operator's
        return Principal(merchant, f"jwt:{subject}", scopes, livemode, self._end(claims))

    def _end(self, claims: Mapping[str, Any]) -> datetime:
        for name in ("exp", "nbf", "iat"):
            if name in claims and (
                isinstance(claims[name], bool) or not isinstance(claims[name], int | float)
            ):
                raise NotTaken(f"{name} is no number")  # PyJWT takes what `int()` takes
        if claims["exp"] > datetime.now(UTC).timestamp() + LIFETIME_MAX_S + self._expected.leeway_s:
            raise NotTaken("it is good for too long")
        return datetime.fromtimestamp(claims["exp"] + self._expected.leeway_s, UTC)


def _is_name(value: object) -> TypeGuard[str]:
    """Of a caller or a merchant: what can stand in a log line and in a key of Redis."""
    return isinstance(value, str) and 0 < len(value) <= SUBJECT_MAX_CHARS and value.isprintable()


def _named(token: str) -> tuple[str, str]:
    """Key and algorithm that the token names: only to be looked up."""
    try:
        header = jwt.get_unverified_header(token)
    except (PyJWTError, ValueError, TypeError):
        raise NotTaken("it is none") from None
    kid, algorithm, type = header.get("kid"), header.get("alg"), header.get("typ", "JWT")
    if forbidden := TAKEN_FROM_NO_TOKEN & header.keys():
        raise NotTaken(f"it brings {', '.join(sorted(forbidden))}")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS.values():
        raise NotTaken("its algorithm is none of ours")
    if not isinstance(kid, str) or not 0 < len(kid) <= KID_MAX_CHARS:
        raise NotTaken("it names no key")
    if not isinstance(type, str) or type.lower().removeprefix("application/") not in TYPES:
        raise NotTaken("it is a token of another kind")
    return kid, algorithm
