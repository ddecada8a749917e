"""An issuer of signed tokens: keys of its own, a JWK Set that can be changed or taken away, and tokens of every kind."""

import asyncio
import base64
import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

URL, AUDIENCE = "https://issuer.example", "millrace"
MERCHANT = "mer_ann"
PRIVATE: dict[str, Any] = {
    "RS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
STRANGER = rsa.generate_private_key(65537, 2048)
_WRITERS: dict[str, Any] = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}


def jwk(algorithm: str, key: Any = None, **members: Any) -> dict[str, Any]:
    """The public one, under the algorithm's own name."""
    public = (key or PRIVATE[algorithm]).public_key()
    return {**_WRITERS[algorithm].to_jwk(public, as_dict=True), "kid": algorithm, **members}


def claims(**changed: Any) -> dict[str, Any]:
    """What a good token says; None takes a claim out."""
    now = int(time.time())
    said = {"iss": URL, "aud": AUDIENCE, "sub": "ann@example.com", "iat": now, "exp": now + 300}
    said |= {"merchant": MERCHANT, "scope": "payments:read payments:write"} | changed
    return {name: value for name, value in said.items() if value is not None}


def token(algorithm: str = "RS256", *, key: Any = None, headers: Any = None, **changed: Any) -> str:
    header = {"kid": algorithm, **(headers or {})}
    return jwt.encode(claims(**changed), key or PRIVATE[algorithm], algorithm, header)


def raw(header: dict[str, Any], body: Any, signature: bytes = b"") -> str:
    """Any three parts, as nobody's library would make them."""
    parts = (
        json.dumps(header).encode(),
        body if isinstance(body, bytes) else json.dumps(body).encode(),
        signature,
    )
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


class Issuer:
    """What it publishes."""

    def __init__(self) -> None:
        self.jwks: list[Any] = [jwk(algorithm) for algorithm in PRIVATE]
        self.document: bytes | None = None
        self.away = False
        self.slow = asyncio.Event()
        self.slow.set()
        self.asked = 0

    async def fetch(self) -> bytes:
        self.asked += 1
        await self.slow.wait()
        if self.away:
            raise OSError("no answer")
        return self.document if self.document is not None else json.dumps({"keys": self.jwks}).encode()
