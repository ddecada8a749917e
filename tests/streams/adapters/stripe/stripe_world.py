"""What the Stripe adapter's tests meet Stripe with: the simulator as a process of its own, a server that answers what it is
told, and calls to make. No assertions here."""

import asyncio
import itertools
import json
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from models.money import Money
from models.provider import (
    CancelIntent,
    CaptureIntent,
    CreateIntent,
    IntentSnapshot,
    Operation,
    Outcome,
    PspCall,
    RefundIntent,
)
from models.terms import CaptureMethod, PaymentTerms
from sandbox.ports import Ports
from streams.adapters.stripe_line import line_to
from streams.adapters.stripe_provider import StripeProvider

DEADLINE_S = 20.0
MERCHANT = "mer_tester"
KEY = "sk_test_canary4242424242"
"""Must never be seen in a log or an outcome."""
JSON = dict[str, Any]


@dataclass
class StripeProcess:
    """The simulator on loopback; one process for many tests, an account (an API key) for each."""

    url: str

    def control(self, path: str, body: JSON | None = None, method: str | None = None) -> JSON:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sim/{path}", data, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=5) as answer:
            found: JSON = json.load(answer)
            return found

    def plan(self, kind: str, **rule: object) -> None:
        self.control("faults", {"kind": kind, **rule})

    def heal(self) -> None:
        self.control("faults", method="DELETE")

    def ledger(self, payment_id: str, kind: str) -> list[JSON]:
        entries: list[JSON] = self.control(f"ledger?payment={payment_id}&kind={kind}")["entries"]
        return entries

    def charged(self, payment_id: str) -> int:
        """How often money was taken or held for the payment."""
        taken = ("succeeded", "authorized")
        return sum(entry["outcome"] in taken for entry in self.ledger(payment_id, "charge"))


@contextmanager
def simulator_process() -> Iterator[StripeProcess]:
    ports = Ports()
    port = ports.take()
    ports.close()
    command = [sys.executable, "-m", "sandbox.stripe_simulator", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline(), "the simulator did not start"
            yield StripeProcess(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()


@dataclass
class Scripted:
    """A server that answers what it is told, in this order, the last one for ever; it keeps the bytes it was sent."""

    answers: list[bytes]
    url: str = ""
    received: list[bytes] = field(default_factory=list)

    def bodies(self) -> list[bytes]:
        return [request.partition(b"\r\n\r\n")[2] for request in self.received]


def http(status: int, body: object, **headers: str) -> bytes:
    """An answer on the wire; a `body` of bytes is sent as it is."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(sent)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + sent


def error(kind: str, code: str | None = None, message: str = "no") -> JSON:
    return {"error": {"type": kind, "message": message, **({"code": code} if code else {})}}


@asynccontextmanager
async def scripted(*answers: bytes) -> AsyncIterator[Scripted]:
    found = Scripted(list(answers))
    coming = itertools.chain(answers, itertools.repeat(answers[-1]))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        found.received.append(head + await reader.readexactly(length))
        writer.write(next(coming))
        await writer.drain()
        writer.close()

    ports = Ports()
    port = ports.take()
    ports.close()
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    found.url = f"http://127.0.0.1:{port}"
    try:
        yield found
    finally:
        server.close()


def new_payment() -> str:
    return f"pay_{uuid.uuid4().hex}"


def create(
    payment_id: str, method: str = "pm_card_visa", at: datetime | None = None, **terms: Any
) -> PspCall:
    ask = CreateIntent(PaymentTerms(Money(1999, "usd"), method, **terms))
    return PspCall(f"{payment_id}:create:1", Operation.CREATE, payment_id, MERCHANT, at or _now(), ask)


def capture(
    payment_id: str, intent: str, amount_minor: int = 1999, final: bool = True, attempt: int = 1
) -> PspCall:
    key = f"{payment_id}:capture:{attempt}"
    ask = CaptureIntent(intent, amount_minor, final)
    return PspCall(key, Operation.CAPTURE, payment_id, MERCHANT, _now(), ask)


def cancel(payment_id: str, intent: str, reason: str | None = None) -> PspCall:
    ask = CancelIntent(intent, reason)
    return PspCall(f"{payment_id}:cancel:1", Operation.CANCEL, payment_id, MERCHANT, _now(), ask)


def refund(payment_id: str, intent: str, refund_id: str, amount_minor: int = 500) -> PspCall:
    key = f"{payment_id}:refund-{refund_id}:1"
    ask = RefundIntent(intent, refund_id, amount_minor, "requested_by_customer")
    return PspCall(key, Operation.REFUND, payment_id, MERCHANT, _now(), ask)


def new_refund() -> str:
    return f"re_{uuid.uuid4().hex}"


def _now() -> datetime:
    return datetime.now(UTC)


async def paid(provider: StripeProvider, payment_id: str, method: str = "pm_card_visa") -> IntentSnapshot:
    """A captured payment."""
    return shown(await provider.perform(create(payment_id, method)))


async def authorized(provider: StripeProvider, payment_id: str) -> IntentSnapshot:
    return shown(await provider.perform(create(payment_id, capture_method=CaptureMethod.MANUAL)))


def shown(outcome: object) -> IntentSnapshot:
    snapshot = getattr(outcome, "snapshot", None)
    assert isinstance(snapshot, IntentSnapshot), outcome
    return snapshot


async def until(happened: Callable[[], bool]) -> None:
    """Waits for a condition, with a deadline."""
    async with asyncio.timeout(DEADLINE_S):
        while not happened():  # noqa: ASYNC110 - what is waited for is in another process
            await asyncio.sleep(0.02)


async def ask_once(server: Scripted, call: PspCall, **settings: float) -> Outcome:
    provider = StripeProvider(line_to(KEY, server.url), **{"sends_max": 3, **settings})  # type: ignore[arg-type]
    try:
        return await provider.perform(call)
    finally:
        await provider.close()
