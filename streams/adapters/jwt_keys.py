"""An issuer's public keys (a JWK Set), fetched from a URL or a file and kept for a while. What they sign is `jwt_tokens.py`'s.

Nobody whose token names a known key ever waits for the issuer. Who names an unknown one waits for one look, if one is due: new
keys work at once, and made-up names cost the issuer one request in ASK_PAUSE_S at most.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from models.errors import Unavailable
from streams import background

FRESH_S = (
    300.0  # a key that its issuer has taken away works for so long, and for the seconds that a fetch takes
)
STALE_MAX_S = 3600.0  # so long the last keys count while the issuer does not answer
ASK_PAUSE_S = 10.0  # between two fetches, whatever asks for them
FETCH_WITHIN_S = 3.0
WAITING_MAX = 64  # at once, with unknown keys: the others go away and come again
SET_MAX_BYTES = 256 * 1024
KEYS_MAX = 100
RSA_LEAST_BITS = 2048
"""Source: RFC 7518, section 3.3."""

ALGORITHMS = {("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
"""By type and curve, the one algorithm that a key is for: whatever a token says, no other is used with it. Source: RFC 8725,
section 3.1."""

log = logging.getLogger("millrace.jwt")

Fetch = Callable[[], Awaitable[bytes]]
Keys = dict[tuple[str, str], PyJWK]


def fetcher(source: str) -> Fetch:
    """`source`: a URL or the path of a file. Redirects are not followed: they could lead where nobody meant to trust."""

    async def from_url() -> bytes:
        limit = aiohttp.ClientTimeout(total=FETCH_WITHIN_S)
        async with (
            aiohttp.ClientSession(timeout=limit) as session,
            session.get(source, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise OSError(f"status {answer.status}")
            body = bytearray()
            async for chunk in answer.content.iter_any():
                body += chunk
                if len(body) > SET_MAX_BYTES:
                    raise OSError(f"more than {SET_MAX_BYTES // 1024} KiB")
            return bytes(body)

    async def from_file() -> bytes:
        return await asyncio.to_thread(_read, Path(source))

    return from_url if "://" in source else from_file


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(SET_MAX_BYTES)


def parsed(document: bytes) -> Keys:
    """By `kid` and algorithm, those with which tokens can be verified. Raises ValueError for what is no JWK Set.

    Source: RFC 7517, sections 4 and 5: keys that cannot be used are passed over. Of two under one name neither counts.
    """
    try:
        jwks = list(orjson.loads(document)["keys"])[:KEYS_MAX]
    except (TypeError, KeyError) as wrong:
        raise ValueError(f"no JWK Set: {type(wrong).__name__}") from None
    found = [((str(jwk["kid"]), key.algorithm_name), key) for jwk in jwks if (key := _usable(jwk))]
    times = Counter(name for name, _ in found)
    return {name: key for name, key in found if times[name] == 1}


def _usable(jwk: Any) -> PyJWK | None:
    try:
        algorithm = ALGORITHMS[jwk["kty"], jwk.get("crv")]
        for_us = jwk.get("alg", algorithm) == algorithm and jwk.get("use", "sig") == "sig"
        for_us = for_us and "verify" in jwk.get("key_ops", ("verify",)) and isinstance(jwk["kid"], str)
        if not for_us or "d" in jwk:  # a private key: published by mistake, and known to all
            return None
        key = PyJWK(jwk, algorithm)
    except (PyJWTError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return key if algorithm != "RS256" or key.key.key_size >= RSA_LEAST_BITS else None


class JwtKeys:
    def __init__(self, fetch: Fetch, now: Callable[[], float] = time.monotonic) -> None:
        self._fetch, self._now = fetch, now
        self._keys: Keys = {}
        self._kids: set[str] = set()
        self._fetched_at = self._tried_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self._waiting = 0

    def start(self) -> None:
        self._refreshing = asyncio.create_task(self._refresh_for_ever())

    async def stop(self) -> None:
        await background.stop(self._refreshing, self._fetching)

    async def key(self, kid: str, algorithm: str) -> PyJWK | None:
        """The key of that name, if it is for that algorithm. Raises Unavailable where that cannot be known now."""
        if kid not in self._kids or self._is_stale():
            await self._look_again()
        if self._is_stale() or (kid not in self._kids and self._tried_at > self._fetched_at):
            raise Unavailable("the issuer's keys cannot be fetched")
        return self._keys.get((kid, algorithm))

    def _is_stale(self) -> bool:
        return self._now() - self._fetched_at > STALE_MAX_S

    async def _look_again(self) -> None:
        """Returns when a look that was due, or is under way, has ended."""
        if self._fetching is None and self._now() - self._tried_at < ASK_PAUSE_S:
            return
        if self._waiting >= WAITING_MAX:
            raise Unavailable("too many wait for the issuer's keys")
        self._waiting += 1
        try:
            await asyncio.shield(self._start_fetching())
        finally:
            self._waiting -= 1

    def _start_fetching(self) -> "asyncio.Task[None]":
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch_once())
        return self._fetching

    async def _fetch_once(self) -> None:
        began_at = self._now()
        try:
            async with asyncio.timeout(FETCH_WITHIN_S):
                found = parsed(await self._fetch())
        # whatever it is: what is known now must go on counting, and no longer than STALE_MAX_S
        except Exception as failed:
            self._tried_at = self._now()
            log.warning(
                "the keys that sign tokens cannot be fetched: %s", str(failed) or type(failed).__name__
            )
        else:
            self._keys, self._kids = found, {kid for kid, _ in found}
            self._fetched_at = self._tried_at = began_at
            if not found:
                log.warning("the issuer has published no key that can be used: no token counts")
        finally:
            self._fetching = None

    async def _refresh_for_ever(self) -> None:
        while True:
            await asyncio.shield(self._start_fetching())
            failed = self._tried_at > self._fetched_at
            await asyncio.sleep(ASK_PAUSE_S if failed else FRESH_S)
