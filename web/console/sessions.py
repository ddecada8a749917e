"""Who is signed in at the console: from an operator's key to a cookie, and from the cookie back to whoever holds the key still.

The cookie is 256 random bits. What is kept under its hash is the key, enciphered with a stream that only the cookie gives, so
that neither a copy of Redis nor the cookie alone is a key; and the key is asked after at every request: one that was revoked
ends its sessions.
"""

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256, shake_256

import orjson

from models.callers import ApiKeys, Operator
from web.console.ports import Sessions

LASTS_S = 8 * 3600
"""A working day. What ends sooner is the key."""
TOKEN_BYTES = 32
NAME_MAX_CHARS = 60
KEY_MAX_CHARS = 200


@dataclass(frozen=True, slots=True)
class Signed:
    """Who is signed in. `name`: as they call themselves; `key`: the first characters of the key."""

    token: str
    name: str
    key: str

    @property
    def who(self) -> str:
        """For the audit."""
        return f"{self.name} ({self.key})"

    @property
    def csrf(self) -> str:
        return _derived(self.token, "csrf").hex()

    def sent(self, csrf: str) -> bool:
        """Whether a form with that token is from one of this session's own pages."""
        return hmac.compare_digest(self.csrf.encode(), csrf.encode(errors="replace"))


class SignedIn:
    def __init__(self, keys: ApiKeys, sessions: Sessions) -> None:
        self._keys, self._sessions = keys, sessions

    async def begin(self, api_key: str, name: str) -> Signed | None:
        """None for what is no operator's key. Raises Unavailable."""
        holder = await self._keys.holder(api_key) if 0 < len(api_key) <= KEY_MAX_CHARS else None
        if not isinstance(holder, Operator):
            return None
        token = secrets.token_urlsafe(TOKEN_BYTES)
        content = orjson.dumps([_ciphered(token, api_key.encode()).hex(), name])
        await self._sessions.keep(_name(token), content, LASTS_S)
        return Signed(token, name, holder.key_prefix)

    async def of(self, token: str) -> Signed | None:
        """None where nobody is signed in, or not any more. Raises Unavailable."""
        content = await self._sessions.kept(_name(token)) if token else None
        if content is None:
            return None
        ciphered, name = orjson.loads(content)
        holder = await self._keys.holder(_ciphered(token, bytes.fromhex(ciphered)).decode(errors="replace"))
        return Signed(token, name, holder.key_prefix) if isinstance(holder, Operator) else None

    async def end(self, signed: Signed) -> None:
        """Raises Unavailable."""
        await self._sessions.drop(_name(signed.token))


def _name(token: str) -> str:
    return sha256(token.encode(errors="replace")).hexdigest()


def _derived(token: str, use: str) -> bytes:
    return hmac.digest(token.encode(), use.encode(), "sha256")


def _ciphered(token: str, content: bytes) -> bytes:
    """There and back. A stream of a token's own, used for one content only."""
    stream = shake_256(_derived(token, "key")).digest(len(content))
    return bytes(a ^ b for a, b in zip(content, stream, strict=True))
