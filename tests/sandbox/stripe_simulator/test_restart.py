"""The simulator as a process: what it answered, and what it charged unanswered, outlives SIGKILL."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

if TYPE_CHECKING:
    from tests.sandbox.stripe_simulator.conftest import Inbox, Until

ROOT = Path(__file__).parents[3]
AUTHORIZATION = {"Authorization": "Bearer sk_test_alpha"}
FORM = {"amount": "1999", "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true"}


class Process:
    """One simulator process on a fixed port, restartable."""

    def __init__(self, data_file: Path, port: int, *options: str) -> None:
        self.arguments = ["--port", str(port), "--data-file", str(data_file), *options]
        self.url = f"http://127.0.0.1:{port}"
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sandbox.stripe_simulator", *self.arguments,
            cwd=ROOT, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), 20)
        assert line.startswith(b"Stripe simulator on"), line

    async def kill(self) -> None:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
        await self.process.wait()


@pytest.fixture
async def launch(tmp_path: Path, free_port: int) -> AsyncIterator[Callable[..., Awaitable[Process]]]:
    """Starts a simulator with these options; none outlives its test, however that ends."""
    launched: list[Process] = []

    async def start(*options: str) -> Process:
        launched.append(Process(tmp_path / "stripe.journal", free_port, *options))
        await launched[-1].start()
        return launched[-1]

    yield start
    for process in launched:
        await process.kill()


@pytest.fixture
async def process(launch: Callable[..., Awaitable[Process]]) -> Process:
    return await launch()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as found:
        yield found


def form(payment: str) -> dict[str, str]:
    return {**FORM, "payment_method_types[]": "card", "metadata[payment_id]": payment}


async def pay(
    session: aiohttp.ClientSession, process: Process, key: str
) -> tuple[int, dict[str, object], bool]:
    headers = {**AUTHORIZATION, "Idempotency-Key": key}
    async with session.post(f"{process.url}/v1/payment_intents", data=form(key), headers=headers) as answer:
        return answer.status, await answer.json(), "Idempotent-Replayed" in answer.headers


async def ledger(session: aiohttp.ClientSession, process: Process) -> list[dict[str, object]]:
    async with session.get(f"{process.url}/_sim/ledger?limit=20000") as answer:
        found: list[dict[str, object]] = (await answer.json())["entries"]
        return found


async def test_answers_and_ledger_outlive_sigkill(session: aiohttp.ClientSession, process: Process) -> None:
    first = [await pay(session, process, f"pay_{n}") for n in range(20)]
    before = await ledger(session, process)
    await process.kill()
    await process.start()
    assert await ledger(session, process) == before and len(before) == 20
    again = [await pay(session, process, f"pay_{n}") for n in range(20)]
    assert [body for _, body, _ in again] == [body for _, body, _ in first]
    assert all(replayed for _, _, replayed in again)


async def test_a_charge_whose_answer_died_with_the_process_is_replayed_by_its_key(
    session: aiohttp.ClientSession, process: Process
) -> None:
    async with session.post(f"{process.url}/_sim/faults", json={"kind": "crash_after", "key": "pay_1"}):
        pass
    with pytest.raises(aiohttp.ClientError):
        await pay(session, process, "pay_1")
    assert process.process is not None and await process.process.wait() == -signal.SIGKILL
    await process.start()
    (entry,) = await ledger(session, process)
    assert (entry["idempotency_key"], entry["payment"], entry["outcome"]) == ("pay_1", "pay_1", "succeeded")
    status, body, replayed = await pay(session, process, "pay_1")
    assert (status, body["id"], replayed) == (200, entry["payment_intent"], True)


async def test_under_load_every_answered_charge_is_in_the_ledger_once(
    session: aiohttp.ClientSession, process: Process, until: Until
) -> None:
    answered: dict[str, object] = {}

    async def client(number: int) -> None:
        for turn in range(1_000):
            key = f"pay_{number}_{turn}"
            try:
                status, body, _ = await pay(session, process, key)
            except (aiohttp.ClientError, OSError):
                return
            assert status == 200
            answered[key] = body["id"]

    clients = [asyncio.create_task(client(number)) for number in range(8)]
    await until(lambda: len(answered) >= 200)
    await process.kill()
    await asyncio.gather(*clients)
    await process.start()
    entries = await ledger(session, process)
    charged = {str(entry["payment"]): entry["payment_intent"] for entry in entries}
    assert len(charged) == len(entries) and len(entries) < 8_000
    assert answered.items() <= charged.items()


async def test_what_was_due_later_and_webhooks_still_pending_go_on(
    session: aiohttp.ClientSession, launch: Callable[..., Awaitable[Process]], inbox: Inbox, until: Until
) -> None:
    options = ("--webhook-url", inbox.url, "--webhook-secret", "whsec_one", "--follow-up-s", "0.5")
    process = await launch(*options)
    inbox.statuses = [500] * 3
    debit = {
        **form("pay_1"),
        "payment_method": "pm_usBankAccount_success",
        "payment_method_types[]": "us_bank_account",
    }
    async with session.post(f"{process.url}/v1/payment_intents", data=debit, headers=AUTHORIZATION) as answer:
        assert (await answer.json())["status"] == "processing"
    await until(lambda: not inbox.statuses)
    await process.kill()
    inbox.received.clear()
    await process.start()
    await until(lambda: any(b'"payment_intent.processing"' in body for body, _ in inbox.received))
    await until(lambda: any(b'"payment_intent.succeeded"' in body for body, _ in inbox.received))


async def test_what_was_done_and_delivered_is_not_done_or_delivered_again(
    session: aiohttp.ClientSession, launch: Callable[..., Awaitable[Process]], inbox: Inbox, until: Until
) -> None:
    options = ("--webhook-url", inbox.url, "--webhook-secret", "whsec_one", "--follow-up-s", "0.05")
    process = await launch(*options)
    disputed = {**form("pay_1"), "payment_method": "pm_card_createDisputeInquiry"}
    async with session.post(
        f"{process.url}/v1/payment_intents", data=disputed, headers=AUTHORIZATION
    ) as answer:
        assert answer.status == 200

    async def all_delivered() -> bool:
        async with session.get(f"{process.url}/_sim/health") as answer:
            return len(inbox.received) >= 4 and not (await answer.json())["webhooks_pending"]

    await until(all_delivered)
    await process.kill()
    inbox.received.clear()
    await process.start()
    _, intent, _ = await pay(session, process, "pay_2")
    await until(lambda: len(inbox.received) >= 3)
    assert all(str(intent["id"]).encode() in body for body, _ in inbox.received)
    async with session.get(f"{process.url}/v1/disputes", headers=AUTHORIZATION) as answer:
        assert len((await answer.json())["data"]) == 1
    assert len(inbox.received) == 3


async def test_clock_and_webhook_settings_outlive_a_restart(
    session: aiohttp.ClientSession, process: Process
) -> None:
    async with session.post(f"{process.url}/_sim/clock", json={"advance_s": 90_000}):
        pass
    async with session.post(
        f"{process.url}/_sim/webhook", json={"url": "http://127.0.0.1:9/", "secrets": ["whsec_x"]}
    ):
        pass
    await process.kill()
    await process.start()
    async with session.get(f"{process.url}/_sim/clock") as answer:
        assert (await answer.json())["offset_s"] == 90_000
    async with session.get(f"{process.url}/_sim/webhook") as answer:
        assert (await answer.json())["secrets"] == ["whsec_x"]


async def test_customers_disputes_and_their_money_outlive_a_restart(
    session: aiohttp.ClientSession, process: Process
) -> None:
    async def post(path: str, data: dict[str, str]) -> dict[str, Any]:
        async with session.post(f"{process.url}{path}", data=data, headers=AUTHORIZATION) as answer:
            found: dict[str, Any] = await answer.json()
            assert answer.status == 200, found
            return found

    async def seen() -> list[Any]:
        paths = ("customers", "payment_methods", "disputes", "balance_transactions", "balance", "events")
        found = []
        for path in paths:
            async with session.get(f"{process.url}/v1/{path}", headers=AUTHORIZATION) as answer:
                found.append(await answer.json())
        return found

    customer = await post("/v1/customers", {"payment_method": "pm_card_visa", "name": "Ada"})
    _, intent, _ = await pay(session, process, "pay_1")
    async with session.post(f"{process.url}/_sim/disputes", json={"payment_intent": intent["id"]}) as answer:
        dispute = await answer.json()
    before = await seen()
    await process.kill()
    await process.start()
    assert await seen() == before
    async with session.post(
        f"{process.url}/_sim/disputes/{dispute['id']}/close", json={"status": "won"}
    ) as answer:
        assert len((await answer.json())["balance_transactions"]) == 2
    assert (await post(f"/v1/customers/{customer['id']}", {"name": "Grace"}))["name"] == "Grace"


async def test_sigterm_ends_it_at_once(process: Process) -> None:
    assert process.process is not None
    process.process.terminate()
    assert await asyncio.wait_for(process.process.wait(), 5) == 0
