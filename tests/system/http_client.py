"""A merchant's HTTP client as it should be: repeats a request, with its key, until there is a definite answer."""

import asyncio
import time
from typing import Any

import aiohttp

from models import ids
from tests.system.history import FAIL, INFO, OK, Attempt, History, Operation

GIVES_UP_S = 75.0  # longer than any fault of the tests with the recovery after it
TRY_S = 30.0  # above the door's own longest wait
PAUSE_S = 0.2
REPEATED = {503, 429, 408}
PATHS = {
    "create": "/v1/payments",
    "capture": "/v1/payments/{}/capture",
    "cancel": "/v1/payments/{}/cancel",
    "refund": "/v1/payments/{}/refunds",
}

Merchant = dict[str, str]


class HttpClient:
    """`doors`: of all web processes; a try that fails goes to the next, as a load balancer would send it."""

    def __init__(self, doors: list[str], merchant: Merchant, history: History) -> None:
        self.doors, self.merchant, self.history = doors, merchant, history
        self._turn = 0
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=TRY_S), connector=aiohttp.TCPConnector(limit=0)
        )

    async def __aenter__(self) -> "HttpClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def create(self, key: str, *, wait_s: int | None = None, **body: Any) -> Operation:
        content = {"amount": 1999, "currency": "usd", "payment_method": "pm_card_visa", **body}
        return await self._command("create", key, self.payment_id(key), content, wait_s)

    def payment_id(self, key: str) -> str:
        """Of the payment that a create with this key makes."""
        return ids.payment_id(ids.command_uuid(self.merchant["id"], key))

    async def capture(
        self, payment_id: str, key: str, *, wait_s: int | None = None, **body: Any
    ) -> Operation:
        return await self._command("capture", key, payment_id, body, wait_s)

    async def cancel(self, payment_id: str, key: str, *, wait_s: int | None = None, **body: Any) -> Operation:
        return await self._command("cancel", key, payment_id, body, wait_s)

    async def refund(self, payment_id: str, key: str, *, wait_s: int | None = None, **body: Any) -> Operation:
        return await self._command("refund", key, payment_id, body, wait_s)

    async def again(self, operation: Operation) -> Operation:
        """The same once more: the same key and body, at whichever door."""
        asked = operation.type, operation.key, operation.payment_id, operation.body
        return await self._command(*asked, wait_s=None)

    async def get(self, path: str, door: int = 0) -> tuple[int, Any]:
        """Once, at that door."""
        async with self._session.get(self.doors[door] + path, headers=self.authorized()) as answer:
            return answer.status, await answer.json()

    async def look(self, method: str, path: str, key: str) -> int | None:
        """The status of one try of a request nobody waits for, at any door. None: no answer came."""
        self._turn += 1
        door = self.doors[self._turn % len(self.doors)]
        body: dict[str, str] | None = None if method == "GET" else {}
        headers = self.authorized() | {"Idempotency-Key": key}
        try:
            async with self._session.request(method, door + path, headers=headers, json=body) as answer:
                await answer.read()
                return answer.status
        except (aiohttp.ClientError, OSError, TimeoutError):
            return None

    async def status_of(self, payment_id: str) -> str | None:
        """As it is shown at any door. None: no answer came, or it is not known there."""
        payment = await self.shown(f"/v1/payments/{payment_id}")
        return str(payment["status"]) if payment else None

    async def shown(self, path: str) -> dict[str, Any] | None:
        """What one try at any door shows. None: nothing."""
        self._turn += 1
        url = self.doors[self._turn % len(self.doors)] + path
        try:
            async with self._session.get(url, headers=self.authorized()) as answer:
                return dict(await answer.json()) if answer.status == 200 else None
        except (aiohttp.ClientError, OSError, TimeoutError):
            return None

    async def authenticate(self, next_action: dict[str, Any]) -> None:
        """As the customer, where the answer sends them: at Stripe, which asks nobody for a key there."""
        page = next_action["use_stripe_sdk"]["stripe_js"]
        async with self._session.post(page, json={"outcome": "succeed"}) as answer:
            assert answer.status == 200, await answer.text()

    async def once(
        self, method: str, path: str, headers: dict[str, str], data: bytes | None = None, door: int = 0
    ) -> tuple[int, dict[str, str], bytes]:
        """One try of anything, with exactly these headers."""
        url = self.doors[door] + path
        async with self._session.request(method, url, headers=headers, data=data) as answer:
            return answer.status, dict(answer.headers), await answer.read()

    async def try_once(self, path: str, key: str, body: dict[str, Any], door: int) -> Attempt:
        """One try of a command that is not repeated, and not written down as one that must succeed."""
        attempt, _, _ = await self._try(self.doors[door], path, {"Idempotency-Key": key}, body)
        return attempt

    def authorized(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.merchant['api_key']}"}

    async def _command(
        self, type: str, key: str, payment_id: str, body: dict[str, Any], wait_s: int | None
    ) -> Operation:
        path = PATHS[type].format(payment_id)
        operation = self.history.begin("http", type, self.merchant["id"], key, body, payment_id)
        headers = {"Idempotency-Key": key} | ({"Prefer": f"wait={wait_s}"} if wait_s is not None else {})
        try:
            outcome = await self._until_definite(operation, path, headers)
        except BaseException:
            self.history.end(operation, INFO)
            raise
        self.history.end(operation, outcome)
        return operation

    async def _until_definite(self, operation: Operation, path: str, headers: dict[str, str]) -> str:
        deadline = time.monotonic() + GIVES_UP_S
        self._turn += 1
        turn = self._turn
        while time.monotonic() < deadline:
            door = self.doors[turn % len(self.doors)]
            attempt, operation.answer, operation.headers = await self._try(
                door, path, headers, operation.body
            )
            operation.attempts.append(attempt)
            in_use = operation.answer.get("code") == "idempotency_key_in_use"
            if attempt.status is not None and attempt.status not in REPEATED and not in_use:
                return OK if attempt.status < 300 else FAIL
            turn += 1
            await asyncio.sleep(PAUSE_S)
        return INFO

    async def _try(
        self, door: str, path: str, headers: dict[str, str], body: dict[str, Any]
    ) -> tuple[Attempt, dict[str, Any], dict[str, str]]:
        began = time.monotonic()
        sent = self._session.post(door + path, headers=self.authorized() | headers, json=body)
        try:
            async with sent as answer:
                content = await answer.json(content_type=None)
                took_s = time.monotonic() - began
                return Attempt(door, began, took_s, answer.status), content, dict(answer.headers)
        except (aiohttp.ClientError, OSError, TimeoutError) as lost:
            return Attempt(door, began, time.monotonic() - began, None, repr(lost)), {}, {}
