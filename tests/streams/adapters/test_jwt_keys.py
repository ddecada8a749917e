"""An issuer's keys: known at once when they are new, gone soon when they are taken away, and nobody waits for the issuer."""

import asyncio
import json
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm

from models.errors import Unavailable
from streams.adapters import jwt_keys
from streams.adapters.jwt_keys import (
    ASK_PAUSE_S,
    FRESH_S,
    SET_MAX_BYTES,
    STALE_MAX_S,
    WAITING_MAX,
    JwtKeys,
    fetcher,
    parsed,
)
from tests.streams.adapters.issuer import PRIVATE, Issuer, jwk

SMALL, P384 = rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP384R1())


class Bench:
    def __init__(self) -> None:
        self.now_s = 1000.0
        self.issuer = Issuer()
        self.keys = JwtKeys(self.issuer.fetch, lambda: self.now_s)

    async def has(self, kid: str, algorithm: str | None = None) -> bool:
        return await self.keys.key(kid, algorithm or kid) is not None

    async def refresh(self) -> None:
        """As the background does, every FRESH_S."""
        await self.keys._start_fetching()


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_a_key_is_for_one_algorithm(bench: Bench) -> None:
    for kid in PRIVATE:
        for algorithm in (*PRIVATE, "HS256", "none"):
            assert await bench.has(kid, algorithm) == (kid == algorithm)
    assert bench.issuer.asked == 1


async def test_a_new_key_counts_as_soon_as_somebody_names_it(bench: Bench) -> None:
    bench.issuer.jwks = [jwk("RS256")]
    assert await bench.has("RS256")
    bench.issuer.jwks.append(jwk("ES256"))
    bench.now_s += ASK_PAUSE_S
    assert await bench.has("ES256")


async def test_made_up_names_cost_the_issuer_a_request_in_ten_seconds_at_most(bench: Bench) -> None:
    for number in range(1000):
        bench.now_s += 0.1
        assert not await bench.has(f"made up {number}", "RS256")
    assert bench.issuer.asked <= 11


async def test_a_key_that_is_taken_away_does_not_count_after_the_next_look(bench: Bench) -> None:
    assert await bench.has("RS256")
    bench.issuer.jwks = [jwk("ES256")]
    bench.now_s += FRESH_S
    await bench.refresh()
    assert not await bench.has("RS256")
    bench.issuer.jwks = []
    await bench.refresh()
    assert not await bench.has("ES256"), "an issuer may take all of them away"


async def test_the_looks_come_by_themselves_and_sooner_after_a_failure(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def nap(seconds: float) -> None:
        pauses.append(seconds)
        bench.issuer.away = len(pauses) == 1
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", nap)
    bench.keys.start()
    while len(pauses) < 3:
        bench.now_s += 1.0
        await sleep(0)
    await bench.keys.stop()
    assert pauses[:3] == [FRESH_S, ASK_PAUSE_S, FRESH_S]


async def test_while_the_issuer_is_away_its_last_keys_count_for_an_hour(bench: Bench) -> None:
    assert await bench.has("RS256")
    bench.issuer.away = True
    for _ in range(12):
        bench.now_s += FRESH_S
        await bench.refresh()
        assert await bench.has("RS256")
    bench.now_s += STALE_MAX_S - 12 * FRESH_S + 1
    with pytest.raises(Unavailable):
        await bench.has("RS256")
    bench.issuer.away = False
    bench.now_s += ASK_PAUSE_S
    assert await bench.has("RS256")


async def test_while_the_issuer_is_away_nobody_can_say_whose_a_new_key_is(bench: Bench) -> None:
    assert await bench.has("RS256")
    bench.issuer.away = True
    bench.now_s += ASK_PAUSE_S
    for _ in range(2):
        with pytest.raises(Unavailable):
            await bench.has("new", "RS256")


async def test_who_names_a_known_key_does_not_wait_for_the_issuer_and_the_others_are_few(
    bench: Bench,
) -> None:
    assert await bench.has("RS256")
    bench.issuer.slow.clear()
    bench.now_s += ASK_PAUSE_S
    waiting = [asyncio.create_task(bench.has(f"made up {n}", "RS256")) for n in range(WAITING_MAX)]
    await asyncio.sleep(0.01)
    assert await asyncio.wait_for(bench.has("RS256"), 5)
    with pytest.raises(Unavailable):
        await asyncio.wait_for(bench.has("one too many", "RS256"), 5)
    bench.issuer.slow.set()
    assert not any(await asyncio.gather(*waiting))
    assert bench.issuer.asked == 2, "they waited for one look together"


async def test_an_issuer_that_hangs_is_away(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwt_keys, "FETCH_WITHIN_S", 0.05)
    bench.issuer.slow.clear()
    with pytest.raises(Unavailable):
        await asyncio.wait_for(bench.has("RS256"), 1.0)


@pytest.mark.parametrize("document", [b"", b"<html>", b"[]", b"7", b"{}", b'{"keys": 1}', b'{"keys": null}'])
async def test_what_is_no_key_set_changes_nothing(bench: Bench, document: bytes) -> None:
    assert await bench.has("RS256")
    bench.issuer.document = document
    await bench.refresh()
    assert await bench.has("RS256")


UNUSABLE = {
    "a shared secret": {"kty": "oct", "k": "c2VjcmV0", "kid": "x", "alg": "HS256"},
    "for encryption": jwk("RS256", use="enc"),
    "for signing only": jwk("RS256", key_ops=["sign"]),
    "for another algorithm": jwk("RS256", alg="RS512"),
    "for a shared secret's": jwk("RS256", alg="HS256"),
    "private": {**ECAlgorithm.to_jwk(PRIVATE["ES256"], as_dict=True), "kid": "ES256"},
    "too small": jwk("RS256", SMALL),
    "another curve": jwk("ES256", P384),
    "without a name": {name: value for name, value in jwk("RS256").items() if name != "kid"},
    "a name that is a number": jwk("RS256", kid=7),
    "broken": jwk("RS256", n="!"),
    "half": {"kty": "RSA", "kid": "RS256"},
    "of no kind": {"kid": "RS256"},
    "of many kinds": {"kid": "RS256", "kty": ["RSA"]},
    "no object": 7,
    "no object either": None,
}


@pytest.mark.parametrize("unusable", UNUSABLE.values(), ids=UNUSABLE)
def test_a_key_that_cannot_be_used_is_passed_over(unusable: object) -> None:
    found = parsed(json.dumps({"keys": [unusable, jwk("EdDSA")]}).encode())
    assert list(found) == [("EdDSA", "EdDSA")]


def test_of_two_keys_under_one_name_neither_counts() -> None:
    other = rsa.generate_private_key(65537, 2048)
    found = parsed(
        json.dumps({"keys": [jwk("RS256"), jwk("RS256", other), jwk("ES256", kid="RS256")]}).encode()
    )
    assert list(found) == [("RS256", "ES256")]


async def test_keys_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [jwk("ES256")]}))
    assert await JwtKeys(fetcher(str(path))).key("ES256", "ES256")
    with pytest.raises(Unavailable):
        await JwtKeys(fetcher(str(tmp_path / "nowhere"))).key("ES256", "ES256")


@pytest.mark.parametrize(
    ("path", "there"), [("/jwks", True), ("/moved", False), ("/gone", False), ("/endless", False)]
)
async def test_keys_are_fetched_without_following_anybody_elsewhere_and_without_end(
    path: str, there: bool
) -> None:
    good = json.dumps({"keys": [jwk("ES256")]})

    async def answer(request: web.Request) -> web.StreamResponse:
        match request.path:
            case "/moved":
                raise web.HTTPFound("/jwks")
            case "/gone":
                raise web.HTTPNotFound(text=good)
            case "/endless":
                return web.Response(text=good + " " * SET_MAX_BYTES)
        return web.Response(text=good)

    app = web.Application()
    app.router.add_get("/{any}", answer)
    async with TestServer(app) as server:
        keys = JwtKeys(fetcher(str(server.make_url(path))))
        if there:
            assert await keys.key("ES256", "ES256")
        else:
            with pytest.raises(Unavailable):
                await keys.key("ES256", "ES256")
