"""A conversation in graphql-transport-ws: who may begin one and how many, what is no message of it, and how it ends."""

import asyncio
import time
from typing import Any

import aiohttp
import pytest

from tests.web.fakes import Door, open_door
from tests.web.graphql.client import PATH, STORY, SUBPROTOCOL, Talk, make, talk
from tests.web.service import KEY, OTHER_KEY
from tests.web.test_bad_requests import exchange
from tests.web.test_waiting import until
from web.graphql import conversation, sockets

CARD = "4242424242424242"


@pytest.mark.parametrize("said", [{"authorization": f"Bearer {KEY}"}, {"Authorization": f"bearer  {KEY}"}])
async def test_who_it_is_can_be_said_first(door: Door, said: dict[str, str]) -> None:
    payment = await make(door)
    async with talk(door, key=None) as client:
        await client.begin(**said)
        await client.subscribe("1", STORY, {"id": payment})
        await client.take("1", 2)


@pytest.mark.parametrize(
    ("header", "said", "code"),
    [
        (None, {}, 4403), (None, None, 4403), ("mr_test_unknown", {}, 4403), (None, {"authorization": 5}, 4403),
        (KEY, {"authorization": f"Bearer {OTHER_KEY}"}, 4403), (KEY, {"authorization": 0}, 4403), (KEY, [], 4400),
        (KEY, [1], 4400), (KEY, "x", 4400),
    ],
)  # fmt: skip
async def test_nobody_unknown_comes_in(door: Door, header: str | None, said: Any, code: int) -> None:
    async with talk(door, key=header) as client:
        await client.say(type="connection_init", payload=said)
        assert await client.closed_with() == code


async def test_without_the_keys_one_is_asked_to_come_again(door: Door) -> None:
    door.service.keys_are_away = True
    async with talk(door) as client:
        await client.say(type="connection_init")
        assert await client.closed_with() == 1013


async def test_a_conversation_that_breaks_is_ended_as_one(
    door: Door, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def breaks(key: str) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(door.service, "holder", breaks)
    async with talk(door) as client:
        await client.say(type="connection_init")
        assert await client.closed_with() == aiohttp.WSCloseCode.INTERNAL_ERROR
    assert [record.exc_info is not None for record in caplog.records] == [True]


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (["nonsense"], 4400), (["[]"], 4400), (["{}"], 4400), (['{"type": 5}'], 4400), ([f'{{"type": "{CARD}"}}'], 4400),
        (['{"type": "subscribe", "id": "1"}'], 4400), (['{"type": "subscribe", "payload": {"query": "{x}"}}'], 4400),
        ([f'{{"type": "subscribe", "id": "{CARD}", "payload": {{}}}}'], 4400), (['{"type": "complete"}'], 4400),
        ([f'{{"type": "subscribe", "id": "{"x" * 200}", "payload": {{}}}}'], 4400), (['{"type": "ping", "type": "pong"}'], 4400),
        (['{"type": "connection_init"}'], 4429), ([b"{}"], 4400), (["[" * 100_000], 4400), (['{"a":' * 5000], 4400),
        (['{"type": "subscribe", "id": "\\ud800", "payload": {}}'], 4400), (["x" * 300_000], 1009),
    ],
    ids=range(17),
)  # fmt: skip
async def test_what_is_no_message_ends_the_conversation(
    door: Door, messages: list[str | bytes], code: int
) -> None:
    async with talk(door) as client:
        await client.begin()
        for message in messages:
            await (
                client.ws.send_bytes(message) if isinstance(message, bytes) else client.ws.send_str(message)
            )
        assert await client.closed_with() == code
    await until(lambda: door.count("millrace_graphql_connections") == 0)


async def test_nothing_is_followed_before_one_has_said_who_one_is(door: Door) -> None:
    async with talk(door) as client:
        await client.say(type="ping")
        assert await client.hear() == {"type": "pong"}
        await client.subscribe("1", STORY)
        assert await client.closed_with() == 4401


async def test_who_says_nothing_is_let_go(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "INIT_WITHIN_S", 0.1)
    async with talk(door) as client:
        assert await client.closed_with() == 4408


async def test_another_protocol_is_not_spoken(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    async with talk(door, protocol=f"graphql-ws-{CARD}") as client:
        assert await client.closed_with() == 4406
    assert CARD not in caplog.text


async def test_one_merchant_does_not_take_every_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "CONNECTIONS_OF_ONE_MAX", 1)
    async with open_door() as door:
        async with talk(door) as first:
            await first.begin()
            async with talk(door) as second, talk(door, key=OTHER_KEY) as others:
                await second.say(type="connection_init")
                assert await second.closed_with() == 1013
                await others.begin()
        await until(lambda: door.count("millrace_graphql_connections") == 0)
        async with talk(door) as again:
            await again.begin()


async def test_too_many_connections_are_turned_away(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "CONNECTIONS_MAX", 1)
    async with talk(door) as client:
        await client.begin()
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with talk(door):
                pass
        assert refused.value.status == 503


async def test_a_conversation_is_no_request_in_flight() -> None:
    async with open_door(requests_max=1) as door, talk(door) as client:
        await client.begin()
        assert door.count("millrace_graphql_connections") == 1
        assert door.count("millrace_http_requests_in_flight") == 0
        assert (await door.get("/v1/payments")).status == 200
        assert client.ws._response.headers["Request-Id"].startswith("req_")


async def test_a_closing_door_ends_conversations_and_says_so() -> None:
    async with open_door(drain_s=10.0) as door:
        payment = await make(door)
        async with talk(door) as client:
            await client.begin()
            await client.subscribe("1", STORY, {"id": payment})
            await client.take("1", 2)
            began = time.monotonic()
            drained = asyncio.create_task(door.serving.drain())
            assert await client.closed_with() == aiohttp.WSCloseCode.GOING_AWAY
            await client.ws.close()
            await drained
            assert time.monotonic() - began < 8
            assert not door.service.listeners


async def test_who_answers_no_ping_any_more_is_let_go(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "HEARTBEAT_S", 0.5)
    payment = await make(door)
    url = f"http://127.0.0.1:{door.serving.port}{PATH}"
    headers = {"Authorization": f"Bearer {KEY}"}
    async with door.http.ws_connect(url, protocols=(SUBPROTOCOL,), headers=headers, autoping=False) as ws:
        client = Talk(ws)
        await client.begin()
        await client.subscribe("1", STORY, {"id": payment})
        await until(lambda: door.service.listeners)
        await until(lambda: not door.service.listeners, 5.0)
    async with talk(door) as client:
        await client.begin()
        await client.subscribe("1", STORY, {"id": payment})
        await client.take("1", 2)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.ws.receive(), 1.2)  # pings are answered meanwhile
        assert door.service.listeners


async def test_a_handshake_that_is_none_is_refused(door: Door) -> None:
    asked = f"GET {PATH} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    for key in ("é", "x", ""):
        answer = await exchange(door, f"{asked}Sec-WebSocket-Key: {key}\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 400 "), key
