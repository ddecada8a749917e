"""Stripe: the simulator with its own idempotency, ledger and webhooks, behind a network that loses, delays and doubles."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import aiohttp
import orjson
from aiohttp import web
from stripe._encode import _api_encode

from sandbox.stripe_simulator import identity
from sandbox.stripe_simulator.control import Control
from sandbox.stripe_simulator.door import Door
from sandbox.stripe_simulator.simulator import Simulator
from sandbox.stripe_simulator.webhooks import Settings as Telling
from streams.adapters.stripe_requests import Parameters
from streams.adapters.stripe_sends import noted
from streams.adapters.stripe_transport import TOO_LATE, Answer, Silence, _answer
from tests.simulation.clock import Clock
from tests.simulation.loop import VirtualLoop
from tests.simulation.network import one_way_s
from tests.simulation.story import Story

API_KEY, WEBHOOK_SECRET = "sk_test_simulated", "whsec_simulated"
RETRY_FIRST_S, RETRY_MAX_S = 1.0, 10.0
SLOWEST_S = 0.8
"""One way, now and then."""
UNDER_WAY_MAX_S = 600.0
"""No request is under way for longer, also where a story's clock jumps meanwhile."""

Deliver = Callable[[bytes, str], Awaitable[int]]
"""A webhook to the service's door: its body and signature. The status, or OSError."""


class Asked:
    """As much of aiohttp's request as the simulator's door looks at."""

    def __init__(self, method: str, raw_path: str, key: str | None, body: bytes = b"") -> None:
        self.method, self.raw_path, self._body = method, raw_path, body
        self.headers = {"Authorization": f"Bearer {API_KEY}"} | ({"Idempotency-Key": key} if key else {})
        self.content_type = "application/json"

    async def read(self) -> bytes:
        return self._body


class Stripe:
    """`lost`: the share of requests or answers that never arrive. `away_until`: nobody can connect."""

    def __init__(
        self, loop: VirtualLoop, draw: random.Random, story: Story, clock: Clock, deliver: Deliver
    ) -> None:
        identity._random.seed(draw.random())
        self._loop, self._draw, self._story, self._clock = loop, draw, story, clock
        self.other_parameters: list[str] = []
        """Keys that came with other parameters than before."""
        self.simulator = Simulator()
        self.simulator.faults.random = random.Random(draw.random())
        self.simulator.webhooks.session = Session(deliver)  # type: ignore[assignment]
        self.simulator.webhooks.settings = Telling(
            url="simulated", secrets=[WEBHOOK_SECRET], retry_first_s=RETRY_FIRST_S, retry_max_s=RETRY_MAX_S
        )
        self._door, self._control = Door(self.simulator), Control(self.simulator)
        self.lost, self.away_until = 0.0, 0.0

    async def request(
        self, method: str, path: str, parameters: Parameters, key: str | None, timeout_s: float
    ) -> Answer | Silence:
        if self._loop.time() < self.away_until:
            await asyncio.sleep(one_way_s(self._draw))
            return Silence(False, "no connection")
        answered: asyncio.Future[Answer | Silence] = self._loop.create_future()
        self._loop.world(self._answered(method, path, parameters, key, answered))
        try:
            async with asyncio.timeout(timeout_s):
                return await answered
        except TimeoutError:
            return Silence(True, f"no answer within {timeout_s:.1f} s")

    async def _answered(
        self,
        method: str,
        path: str,
        parameters: Parameters,
        key: str | None,
        answered: "asyncio.Future[Answer | Silence]",
    ) -> None:
        form = urlencode(list(_api_encode(parameters)))
        asked = (
            Asked(method, path, key, form.encode())
            if method == "POST"
            else Asked(method, f"{path}?{form}", key)
        )
        sent_at_s = self._clock.now_s()
        await asyncio.sleep(one_way_s(self._draw, SLOWEST_S))
        fate = self._draw.random()
        if fate < self.lost / 2 or self._clock.now_s() - sent_at_s > UNDER_WAY_MAX_S:
            self._story.note("network", f"loses {method} {path} {key or ''}")
            return
        response = await self._door.answer(asked)  # type: ignore[arg-type]
        assert isinstance(response, web.Response)
        body = orjson.loads(response.body)  # type: ignore[arg-type]
        kind = (body.get("error") or {}).get("type") or body.get("status", "")
        replayed = " again" if "Idempotent-Replayed" in response.headers else ""
        self._story.note("stripe", f"{method} {path} {key or ''} -> {response.status} {kind}{replayed}")
        if kind == "idempotency_error" and response.status == 400:
            self.other_parameters.append(key or "")
        await asyncio.sleep(one_way_s(self._draw, SLOWEST_S))
        if fate < self.lost:
            self._story.note("network", f"loses the answer to {method} {path} {key or ''}")
        elif not answered.done():
            answered.set_result(_answer(response.status, body, response.headers))

    async def lever(self, method: str, name: str, **asked: Any) -> Any:
        """One of the simulator's controls."""
        given = Asked(method, f"/_sim/{name}", None, orjson.dumps(asked))
        response = await self._control.answer(given)  # type: ignore[arg-type]
        assert isinstance(response, web.Response)
        return orjson.loads(response.body)  # type: ignore[arg-type]


class Transport:
    """As `StripeTransport`, from within a process."""

    livemode = False

    def __init__(self, stripe: Stripe) -> None:
        self._stripe = stripe

    async def post(
        self,
        path: str,
        parameters: Parameters,
        key: str,
        is_too_late: Callable[[], bool],
        timeout_s: float,
    ) -> Answer | Silence:
        if is_too_late():
            return Silence(False, TOO_LATE, turned_away=True)
        return await noted(f"POST {path}", self._stripe.request("POST", path, parameters, key, timeout_s))

    async def get(self, path: str, parameters: Parameters, timeout_s: float) -> Answer | Silence:
        return await noted(f"GET {path}", self._stripe.request("GET", path, parameters, None, timeout_s))

    async def close(self) -> None:
        pass


class Session:
    """As much of aiohttp's as the simulator's webhooks use."""

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver

    def post(self, url: str, *, data: bytes, headers: dict[str, str], allow_redirects: bool) -> "Posting":
        return Posting(self._deliver(data, headers["Stripe-Signature"]))

    async def close(self) -> None:
        pass


class Posting:
    def __init__(self, sending: Awaitable[int]) -> None:
        self._sending, self.status = sending, 0

    async def __aenter__(self) -> "Posting":
        try:
            self.status = await self._sending
        except OSError as lost:
            raise aiohttp.ClientError(str(lost)) from lost
        return self

    async def __aexit__(self, *_: object) -> None:
        pass
