"""The door on a real socket, with the service in memory behind it, and a client of it. Holds no tests."""

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry

from tests.web.service import KEY, Service
from web.app import Limits, make_app
from web.console.ports import Console
from web.doors import operations
from web.metrics import DoorMetrics
from web.payments import OPEN_OF_ONE_MAX
from web.rate_limits import Allowance
from web.server import Serving, serve


@dataclass
class Door:
    """The door on loopback, a client of it, and the service behind."""

    service: Service
    serving: Serving
    http: aiohttp.ClientSession
    registry: CollectorRegistry

    async def ask(
        self, method: str, path: str, body: Any = None, *, key: str | None = KEY, **headers: str
    ) -> "Told":
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            sent.setdefault("Authorization", f"Bearer {key}")
        kind = "data" if isinstance(body, bytes | str) or hasattr(body, "__aiter__") else "json"
        if kind == "data":
            sent.setdefault("Content-Type", "application/json")
        url = f"http://127.0.0.1:{self.serving.port}{path}"
        arguments: dict[str, Any] = {} if body is None else {kind: body}
        async with self.http.request(method, url, headers=sent, **arguments) as response:
            raw = await response.read()
            document = await response.json(content_type=None) if raw and raw[:1] in b"{[" else None
            return Told(response.status, response.headers.copy(), document, raw)

    async def post(
        self, path: str, body: Any = None, idempotency: str | None = "key-1", **more: Any
    ) -> "Told":
        if idempotency is not None:
            more.setdefault("Idempotency_Key", idempotency)
        return await self.ask("POST", path, body, **more)

    async def get(self, path: str, **more: Any) -> "Told":
        return await self.ask("GET", path, **more)

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


@dataclass(frozen=True)
class Told:
    status: int
    headers: Any
    body: Any
    raw: bytes


def app_of(
    service: Service,
    registry: CollectorRegistry,
    limits: Limits | None = None,
    allowance: Allowance | None = None,
    cors_origins: Sequence[str] = (),
    open_of_one_max: int = OPEN_OF_ONE_MAX,
    console: Console | None = None,
) -> web.Application:
    ports, metrics = service.ports(), DoorMetrics(registry)
    doors = operations(ports, metrics, allowance, open_of_one_max)
    return make_app(ports, doors, metrics, limits, cors_origins, console)


@asynccontextmanager
async def open_door(
    service: Service | None = None,
    drain_s: float = 0.5,
    allowance: Allowance | None = None,
    cors_origins: Sequence[str] = (),
    tls: ssl.SSLContext | None = None,
    open_of_one_max: int = OPEN_OF_ONE_MAX,
    console: Console | None = None,
    **limits: Any,
) -> AsyncIterator[Door]:
    service, registry = service or Service(), CollectorRegistry()
    app = app_of(service, registry, Limits(**limits), allowance, cors_origins, open_of_one_max, console)
    serving = await serve(app, "127.0.0.1", 0, drain_s, tls=tls)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        try:
            yield Door(service, serving, http, registry)
        finally:
            await serving.drain()


PAYMENT: dict[str, Any] = {"amount": 1999, "currency": "usd", "payment_method": "pm_card_visa"}
