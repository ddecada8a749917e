"""Pages in a browser: nobody's may use the API unless a setting names their origin."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from streams.settings import Settings, SettingsRefused, load
from tests.web.fakes import PAYMENT, Door, open_door

SHOP, EVIL = "https://shop.example", "https://evil.example"
PREFLIGHT = {
    "Access_Control_Request_Method": "POST",
    "Access_Control_Request_Headers": "authorization,content-type",
}


@asynccontextmanager
async def door_for(*origins: str) -> AsyncIterator[Door]:
    async with open_door(cors_origins=origins) as door:
        yield door


def told_of_cors(headers: Any) -> set[str]:
    return {name for name in headers if name.startswith("Access-Control-")}


async def test_by_default_no_page_is_told_anything(door: Door) -> None:
    for told in (
        await door.get("/v1/payments", Origin=SHOP),
        await door.ask("OPTIONS", "/v1/payments", key=None, Origin=SHOP, **PREFLIGHT),
    ):
        assert told_of_cors(told.headers) == set()
        assert "Vary" not in told.headers


async def test_a_preflight_of_a_named_origin_is_answered() -> None:
    async with door_for(SHOP) as door:
        told = await door.ask("OPTIONS", "/v1/payments", key=None, Origin=SHOP, **PREFLIGHT)
        assert (told.status, told.raw) == (204, b"")
        assert told.headers["Access-Control-Allow-Origin"] == SHOP
        assert told.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS, POST"
        allowed = told.headers["Access-Control-Allow-Headers"].lower().split(", ")
        assert {"authorization", "content-type", "idempotency-key", "prefer", "if-none-match"} <= set(allowed)
        assert int(told.headers["Access-Control-Max-Age"]) > 0
        assert told.headers["Vary"] == "Origin"
        assert "Access-Control-Allow-Credentials" not in told.headers
        endpoint = "/v1/webhook_endpoints/we_" + "0" * 32
        other = await door.ask("OPTIONS", endpoint, key=None, Origin=SHOP, **PREFLIGHT)
        assert other.headers["Access-Control-Allow-Methods"] == "DELETE, GET, HEAD, OPTIONS, PATCH"


async def test_every_answer_can_be_read_by_a_named_origin() -> None:
    async with door_for("https://other.example", SHOP) as door:
        payment = await door.post("/v1/payments", PAYMENT, Origin=SHOP)
        tag = (await door.get("/v1/payments")).headers["ETag"]
        for told, status in (
            (payment, 201),
            (await door.get("/v1/payments", Origin=SHOP, If_None_Match=tag), 304),
            (await door.get("/v1/payments", key=None, Origin=SHOP), 401),
            (await door.get("/nowhere", Origin=SHOP), 404),
            (await door.post("/v1/payments", {}, Origin=SHOP), 422),
        ):
            assert told.status == status
            assert told.headers["Access-Control-Allow-Origin"] == SHOP
            exposed = told.headers["Access-Control-Expose-Headers"].split(", ")
            assert {
                "Request-Id",
                "Location",
                "ETag",
                "Retry-After",
                "RateLimit",
                "Idempotent-Replayed",
            } <= set(exposed)
            assert told.headers["Vary"] == "Origin"


@pytest.mark.parametrize(
    "origin",
    [
        EVIL,
        "https://shop.example.evil.example",
        "https://shop.example:444",
        "null",
        "HTTPS://SHOP.EXAMPLE",
        SHOP + "/",
        "*",
        "\udcff",
    ],
)
async def test_another_origin_is_told_nothing(origin: str) -> None:
    async with door_for(SHOP) as door:
        told = await door.ask("OPTIONS", "/v1/payments", key=None, Origin=origin, **PREFLIGHT)
        read = await door.get("/v1/payments", Origin=origin)
        assert told_of_cors(told.headers) == told_of_cors(read.headers) == set()
        assert read.headers["Vary"] == "Origin"
        assert (await door.get("/v1/payments")).headers["Vary"] == "Origin"


async def test_all_origins_only_where_the_setting_says_so() -> None:
    async with door_for("*") as door:
        told = await door.get("/v1/payments", Origin=EVIL)
        assert told.headers["Access-Control-Allow-Origin"] == "*"
        assert "Vary" not in told.headers


async def test_what_is_not_for_pages_stays_closed_to_them() -> None:
    async with door_for("*", SHOP) as door:
        for path in ("/metrics", "/livez", "/readyz", "/webhooks/stripe"):
            assert told_of_cors((await door.get(path, Origin=SHOP)).headers) == set(), path


@pytest.mark.parametrize(
    "value",
    ["https://shop.example", "http://localhost:3000, https://shop.example", "*", "http://[::1]:8080", ""],
)
def test_origins_can_be_set(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_CORS_ORIGINS", value)
    assert load().cors_origins == tuple(part.strip() for part in value.split(",") if part.strip())


@pytest.mark.parametrize(
    "value",
    [
        "shop.example",
        "https://shop.example/",
        "https://*.example",
        "null",
        "https://Shop.example",
        "https://shop.example:0",
    ],
)
def test_what_no_browser_sends_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_CORS_ORIGINS", value)
    with pytest.raises(SettingsRefused, match="MILLRACE_CORS_ORIGINS"):
        load()


def test_no_origin_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MILLRACE_CORS_ORIGINS", raising=False)
    assert Settings().cors_origins == ()
