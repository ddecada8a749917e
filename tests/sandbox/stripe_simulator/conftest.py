"""A simulator on a real loopback socket, the official SDK against it, and a webhook endpoint that remembers."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import stripe
from aiohttp import web

from sandbox.stripe_simulator.app import Server
from sandbox.stripe_simulator.simulator import Simulator

API_KEY = "sk_test_alpha"
DEADLINE_S = 5.0
stripe.enable_telemetry = False


PAY = {
    "amount": "1999",
    "currency": "usd",
    "payment_method": "pm_card_visa",
    "payment_method_types[]": "card",
    "confirm": "true",
    "metadata[payment_id]": "pay_1",
}


@dataclass
class Raw:
    """Raw HTTP: forms to Stripe's paths, JSON to the controls."""

    url: str
    session: aiohttp.ClientSession

    async def post(
        self, path: str, form: str | dict[str, str] | None = None, key: str | None = None, **headers: str
    ) -> tuple[int, Any, dict[str, str]]:
        sent = {"Authorization": f"Bearer {API_KEY}", **headers}
        if isinstance(form, str):
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        if key is not None:
            sent["Idempotency-Key"] = key
        async with self.session.post(self.url + path, data=form, headers=sent) as answer:
            return answer.status, await answer.json(), {n.lower(): v for n, v in answer.headers.items()}

    async def pay(self, key: str | None = None, **changes: str) -> tuple[int, Any, dict[str, str]]:
        """Creates and confirms a PaymentIntent of 19.99 dollars."""
        return await self.post("/v1/payment_intents", {**PAY, **changes}, key)

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        sent = {"Authorization": f"Bearer {API_KEY}", **headers}
        async with self.session.get(self.url + path, headers=sent) as answer:
            return answer.status, await answer.json()

    async def sim(self, path: str, body: dict[str, Any] | None = None, method: str | None = None) -> Any:
        chosen = method or ("GET" if body is None else "POST")
        async with self.session.request(chosen, f"{self.url}/_sim/{path}", json=body) as answer:
            found = await answer.json()
            assert answer.status == 200, found
            return found


@dataclass
class Inbox:
    """A webhook endpoint: what came, and what it answers."""

    url: str
    received: list[tuple[bytes, str]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)  # answers to give first, then 200


def free_port() -> int:
    """Below the range from which clients' ports are drawn."""
    while True:
        port = random.randint(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    found = Simulator()
    server = Server(found)
    await server.start("127.0.0.1", free_port())
    yield found
    await server.stop()


@pytest.fixture
async def raw(simulator: Simulator) -> AsyncIterator[Raw]:
    async with aiohttp.ClientSession() as session:
        yield Raw(simulator.renderer.url, session)


@pytest.fixture
async def sdk(simulator: Simulator) -> AsyncIterator[stripe.StripeClient]:
    async with aiohttp.ClientSession() as session:
        yield stripe.StripeClient(
            API_KEY,
            base_addresses={"api": simulator.renderer.url},
            http_client=stripe.AIOHTTPClient(session=session),
            max_network_retries=0,
        )


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    port = free_port()
    found = Inbox(f"http://127.0.0.1:{port}/webhooks/stripe")

    async def take(request: web.BaseRequest) -> web.StreamResponse:
        found.received.append((await request.read(), request.headers["Stripe-Signature"]))
        return web.Response(status=found.statuses.pop(0) if found.statuses else 200)

    runner = web.ServerRunner(web.Server(take))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield found
    await runner.cleanup()


Until = Callable[[Callable[[], Any]], Awaitable[Any]]


@pytest.fixture
def until() -> Until:
    """Waits for a condition, sync or async, with a deadline; what it found."""

    async def wait(condition: Callable[[], Any]) -> Any:
        end = time.monotonic() + DEADLINE_S
        while True:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            assert time.monotonic() < end, "the condition did not become true in time"
            await asyncio.sleep(0.01)

    return wait


@pytest.fixture(name="free_port")
def a_free_port() -> int:
    return free_port()
