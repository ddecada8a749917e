"""A client of GraphQL as others write them: over HTTP, and over graphql-transport-ws. No library of the server's own."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.web.fakes import Door, Told
from tests.web.service import KEY

PATH = "/graphql"
SUBPROTOCOL = "graphql-transport-ws"
WITHIN_S = 5.0

PAYMENT = {"amount": 1999, "currency": "usd", "paymentMethod": "pm_card_visa"}
CREATE = """mutation Pay($input: CreatePaymentInput!) {
  createPayment(input: $input) { settled replayed payment { id status amount } }
}"""
LIST = "{ payments { edges { cursor } } }"
STORY = """subscription($id: ID, $after: Int) {
  paymentEvents(paymentId: $id, afterSequence: $after) { type sequence paymentId payment { id status } }
}"""


async def ask(door: Door, query: Any, variables: Any = None, **more: Any) -> Told:
    body = {"query": query} | ({} if variables is None else {"variables": variables})
    return await door.ask("POST", PATH, body, **more)


async def make(door: Door, idempotency_key: str = "key-1", **change: Any) -> str:
    """A payment's id."""
    told = await ask(door, CREATE, {"input": PAYMENT | {"idempotencyKey": idempotency_key} | change})
    return str(told.body["data"]["createPayment"]["payment"]["id"])


def errors(told: Told) -> list[dict[str, Any]]:
    """The extensions of each error."""
    return [error["extensions"] for error in told.body["errors"]]


def codes(told: Told) -> list[str]:
    return [error["code"] for error in errors(told)]


@dataclass
class Talk:
    """One connection."""

    ws: aiohttp.ClientWebSocketResponse

    async def say(self, **message: Any) -> None:
        await self.ws.send_str(json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        message: dict[str, Any] = await self.ws.receive_json(timeout=WITHIN_S)
        return message

    async def begin(self, **payload: Any) -> None:
        await self.say(type="connection_init", payload=payload)
        assert await self.hear() == {"type": "connection_ack"}

    async def subscribe(self, id: str, query: str, variables: dict[str, Any] | None = None) -> None:
        await self.say(type="subscribe", id=id, payload={"query": query, "variables": variables or {}})

    async def take(self, id: str, count: int) -> list[dict[str, Any]]:
        """The next `count` payloads told of a subscription."""
        async with asyncio.timeout(WITHIN_S):
            told = [await self.hear() for _ in range(count)]
        assert [(each["type"], each["id"]) for each in told] == [("next", id)] * count
        return [each["payload"] for each in told]

    async def closed_with(self) -> int | None:
        """The code the other side ends it with."""
        async with asyncio.timeout(WITHIN_S):
            while (await self.ws.receive()).type is not aiohttp.WSMsgType.CLOSE:
                pass
        return self.ws.close_code


@asynccontextmanager
async def talk_at(
    http: aiohttp.ClientSession, door: str, key: str | None, protocol: str = SUBPROTOCOL
) -> AsyncIterator[Talk]:
    """`key`: in the HTTP header; None: to be said first."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    async with http.ws_connect(door + PATH, protocols=(protocol,), headers=headers, autoclose=False) as ws:
        yield Talk(ws)


def talk(door: Door, key: str | None = KEY, protocol: str = SUBPROTOCOL) -> AbstractAsyncContextManager[Talk]:
    return talk_at(door.http, f"http://127.0.0.1:{door.serving.port}", key, protocol)
