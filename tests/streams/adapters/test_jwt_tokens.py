"""Only what the issuer signed, for this system, for a merchant that exists, and now: everything else is nobody's token."""

import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from models.callers import Principal
from models.errors import Unavailable
from streams.adapters.jwt_keys import JwtKeys
from streams.adapters.jwt_tokens import LIFETIME_MAX_S, Expected, JwtTokens
from tests.streams.adapters.issuer import (
    AUDIENCE,
    MERCHANT,
    PRIVATE,
    STRANGER,
    URL,
    Issuer,
    claims,
    jwk,
    raw,
    token,
)

LEEWAY_S = 30
MERCHANTS = {MERCHANT}


async def _exists(merchant: str) -> bool:
    return merchant in MERCHANTS


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
async def tokens(issuer: Issuer) -> AsyncIterator[JwtTokens]:
    tokens = JwtTokens(JwtKeys(issuer.fetch), Expected(URL, AUDIENCE, "merchant", LEEWAY_S), _exists)
    tokens.start()
    yield tokens
    await tokens.stop()


@pytest.mark.parametrize("algorithm", PRIVATE)
async def test_a_token_says_who_calls(tokens: JwtTokens, algorithm: str) -> None:
    said = claims()
    found = await tokens.holder(token(algorithm))
    assert found is not None and found.expires_at is not None
    assert abs(found.expires_at.timestamp() - said["exp"] - LEEWAY_S) <= 1
    scopes = frozenset({"payments:read", "payments:write"})
    assert found == Principal(MERCHANT, "jwt:ann@example.com", scopes, False, found.expires_at)


@pytest.mark.parametrize(
    ("scope", "opens"),
    [
        (None, set()),
        ("", set()),
        ("operator", set()),
        ("payments:read operator openid", {"payments:read"}),
        ("  refunds:write  payments:read ", {"refunds:write", "payments:read"}),
    ],
)
async def test_a_token_opens_a_merchants_scopes_and_never_the_operators(
    tokens: JwtTokens, scope: str | None, opens: set[str]
) -> None:
    found = await tokens.holder(token(scope=scope))
    assert found is not None and found.scopes == opens


@pytest.mark.parametrize(("claim", "mode"), [(None, False), (False, False), (True, True)])
async def test_a_token_is_for_real_money_only_if_it_says_so(
    tokens: JwtTokens, claim: bool | None, mode: bool
) -> None:
    found = await tokens.holder(token(livemode=claim))
    assert found is not None and found.livemode is mode


def _said_now(changed: dict[str, Any]) -> dict[str, Any]:
    """Times count from when they are said, and not from when pytest gathers the tests."""
    now = int(time.time())
    return {name: value(now) if callable(value) else value for name, value in changed.items()}


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": None},
        {"iss": "https://other.example"},
        {"iss": URL + "/"},
        {"aud": None},
        {"aud": "another"},
        {"aud": []},
        {"aud": [1, AUDIENCE]},
        {"exp": None},
        {"exp": lambda now: now - LEEWAY_S - 1},
        {"exp": lambda now: now + LIFETIME_MAX_S + LEEWAY_S + 60},
        {"exp": lambda now: str(now + 60)},
        {"exp": True},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"exp": 10**30},
        {"nbf": lambda now: now + LEEWAY_S + 60},
        {"nbf": "0"},
        {"iat": lambda now: now + LEEWAY_S + 60},
        {"iat": []},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 256},
        {"sub": "ann\n"},
        {"merchant": None},
        {"merchant": ""},
        {"merchant": "mer_nobody"},
        {"merchant": [MERCHANT]},
        {"merchant": "mer\0ann"},
        {"merchant": {"id": MERCHANT}},
        {"scope": ["payments:read"]},
        {"livemode": "false"},
        {"livemode": 1},
    ],
    ids=lambda changed: next(iter(changed)),
)
async def test_a_token_that_says_anything_else_is_nobodys(tokens: JwtTokens, changed: dict[str, Any]) -> None:
    assert await tokens.holder(token(**_said_now(changed))) is None
    assert await tokens.holder(token()) is not None


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": lambda now: now - LEEWAY_S + 10},
        {"nbf": lambda now: now + LEEWAY_S - 5},
        {"iat": lambda now: now + LEEWAY_S - 5},
        {"aud": ["another", AUDIENCE]},
        {"iat": None},
    ],
    ids=lambda changed: next(iter(changed)),
)
async def test_clocks_may_differ_a_little_and_a_token_may_be_for_others_too(
    tokens: JwtTokens, changed: dict[str, Any]
) -> None:
    assert await tokens.holder(token(**_said_now(changed))) is not None


def _public(algorithm: str) -> bytes:
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(PRIVATE[algorithm].public_key().public_bytes(serialization.Encoding.PEM, kind))


def _signed_by_a_public_key(algorithm: str, name: str) -> str:
    """Key confusion: the key that everybody knows, taken for a shared secret."""
    unsigned = raw({"alg": name, "kid": algorithm}, claims()).rpartition(".")[0]
    mac = hmac.new(_public(algorithm), unsigned.encode(), hashlib.sha256).digest()
    return unsigned + "." + raw({}, {}, mac).rpartition(".")[2]


def _with_signature_of(other: str, **header: Any) -> str:
    signature = token(other).rpartition(".")[2]
    return raw({"alg": other, "kid": other, **header}, claims(sub="eve")).rpartition(".")[0] + "." + signature


FORGED = {
    "not signed": raw({"alg": "none", "kid": "RS256"}, claims()),
    "not signed, in capitals": raw({"alg": "NONE", "kid": "RS256"}, claims()),
    "not signed, with a signature": raw({"alg": "none", "kid": "RS256"}, claims(), b"x" * 256),
    "no algorithm": raw({"kid": "RS256"}, claims()),
    "an algorithm that is a list": raw({"alg": ["RS256"], "kid": "RS256"}, claims()),
    "a public key as a secret": _signed_by_a_public_key("RS256", "HS256"),
    "a public key as a secret, under another name": _signed_by_a_public_key("ES256", "RS256"),
    "a key of another algorithm": token("ES256", headers={"kid": "RS256"}),
    "another RSA algorithm": token("RS256", headers={"alg": "PS256"}),
    "a stranger's key under a known name": token("RS256", key=STRANGER),
    "an unknown key": token("RS256", key=STRANGER, headers={"kid": "strangers"}),
    "no key named": token("RS256", headers={"kid": ""}),
    "a key that is a number": raw({"alg": "RS256", "kid": 1}, claims()),
    "a key of its own": token("RS256", key=STRANGER, headers={"jwk": jwk("RS256", STRANGER)}),
    "a key from an address": token(headers={"jku": "https://evil.example/jwks"}),
    "a certificate from an address": token(headers={"x5u": "https://evil.example/cert"}),
    "a certificate": token(headers={"x5c": ["MIIB"]}),
    "a critical extension": token(headers={"crit": ["exp"], "exp": 1}),
    "another kind of token": token(headers={"typ": "logout+jwt"}),
    "a type that is none": token(headers={"typ": 7}),
    "the signature of another": _with_signature_of("RS256"),
    "no signature": token().rpartition(".")[0] + ".",
    "two parts": "eyJhbGciOiJSUzI1NiJ9.e30",
    "a header that is a list": raw([], claims()),  # type: ignore[arg-type]
    "a header that is no JSON": "eyJ.e30.e30",
    "a body with something before it": token().replace(".", ".e30", 1),
    "nothing": "",
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
async def test_a_forged_token_is_nobodys(tokens: JwtTokens, forged: str) -> None:
    assert await tokens.holder(forged) is None
    assert await tokens.holder(token()) is not None


async def test_a_key_that_is_embedded_is_refused_even_where_it_is_the_issuers_own(tokens: JwtTokens) -> None:
    assert await tokens.holder(token(headers={"jwk": jwk("RS256")})) is None


async def test_where_nobody_can_say_whether_the_merchant_exists_nothing_is_said(issuer: Issuer) -> None:
    async def nobody_knows(merchant: str) -> bool:
        raise Unavailable("no database")

    tokens = JwtTokens(JwtKeys(issuer.fetch), Expected(URL, AUDIENCE, "merchant", 0), nobody_knows)
    with pytest.raises(Unavailable):
        await tokens.holder(token())
    assert await tokens.holder(token(aud="another")) is None, "what is nobody's needs no database"


async def test_the_claim_that_names_the_merchant_is_a_setting(issuer: Issuer) -> None:
    expected = Expected(URL, AUDIENCE, "https://millrace.example/merchant", 0)
    tokens = JwtTokens(JwtKeys(issuer.fetch), expected, _exists)
    found = await tokens.holder(token(merchant=None, **{"https://millrace.example/merchant": MERCHANT}))
    assert found is not None and found.merchant == MERCHANT
    assert await tokens.holder(token()) is None
