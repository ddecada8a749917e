"""The programs in `examples/` and the Python client, at the whole system: what they print is what happened."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from millrace_client import AsyncMillrace, Millrace, payment_id_for
from sandbox.stack import CHECKOUT
from tests.clients.in_threads import InThreads
from tests.system.inquest import Inquest
from tests.system.operator import begun, python
from tests.system.stack import System

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("stripe")]

WITHIN_S = 30.0
CLIENTS = str(CHECKOUT / "clients" / "python")
ASKED: dict[str, Any] = {"amount": 1999, "currency": "usd", "payment_method": "pm_card_visa"}


async def test_the_example_of_the_client_pays_once_however_often_it_runs(
    system: System, inquest: Inquest
) -> None:
    payment = payment_id_for(system.merchants[0]["id"], "example-http")
    first = await _ran(system, "pay_and_refund.py", "example-http")
    assert f"{payment} was captured: 1999 usd" in first and "is succeeded: 500 usd" in first
    await inquest.hold()
    again = await _ran(system, "pay_and_refund.py", "example-http")
    assert f"{payment} was already captured: 1999 usd" in again and "is succeeded: 500 usd" in again
    assert "1  payment.requested.v1" in again and "refund.succeeded.v1" in again
    found = await inquest.hold()
    (row,) = [row for row in found.ledger.payments if row["payment"] == payment]
    assert len(row["refunds"]) == 1


async def test_the_example_of_a_producer_and_the_one_of_a_consumer_tell_of_the_same_payment(
    system: System, inquest: Inquest
) -> None:
    payment = payment_id_for(system.merchants[0]["id"], "example-kafka")
    async with _running(system, "follow_events.py") as following:
        told = await _ran(system, "pay_by_kafka.py", "example-kafka")
        assert json.loads(told.partition("\n")[2])["payment"]["status"] == "captured"
        assert told.startswith(f"asked for {payment} ")
        story: list[list[str]] = []
        async with asyncio.timeout(WITHIN_S):
            while not story or story[-1][3] != "payment.captured.v1":
                line = (await following.readline()).decode().split()
                assert line, "the consumer has ended"
                story += [line] if line[1] == payment else []
    assert [int(words[2]) for words in story] == list(range(1, len(story) + 1))
    assert (story[0][3], story[-1][4]) == ("payment.requested.v1", "captured")
    await inquest.hold()


async def test_the_example_of_grpc_pays_and_its_key_is_the_same_payment_for_the_client(
    system: System, inquest: Inquest
) -> None:
    payment = payment_id_for(system.merchants[0]["id"], "example-grpc")
    told = await _ran(system, "pay_by_grpc.py", "example-grpc")
    assert "PAYMENT_STATUS_CAPTURED" in told
    assert payment in told
    with Millrace(system.service.doors[0], system.merchants[0]["api_key"]) as client:
        again = await InThreads(client).payments.create(**ASKED, idempotency_key="example-grpc")
    assert (again.id, again.http.replayed) == (payment, True)
    await inquest.hold()


async def test_a_client_whose_payment_is_slow_waits_for_its_end(system: System, inquest: Inquest) -> None:
    door, key = system.service.doors[0], system.merchants[0]["api_key"]
    with Millrace(door, key) as sync:
        async with AsyncMillrace(door, key) as asynchronous:
            for client in (InThreads(sync), asynchronous):
                await _is_waited_for(client)
    await inquest.hold()


async def _is_waited_for(client: Any) -> None:
    accepted = await client.payments.create(**ASKED, capture_method="manual", wait=0)
    assert accepted.settled is False
    settled = await client.payments.wait_until_settled(accepted, timeout_s=WITHIN_S)
    assert (settled.status, settled.amount_capturable) == ("authorized", 1999)
    captured = await client.payments.capture(settled, wait=WITHIN_S)
    assert (captured.status, captured.settled) == ("captured", True)
    refund = await client.refunds.create(captured, amount=1, wait=0)
    assert (await client.refunds.wait_until_settled(refund, timeout_s=WITHIN_S)).status == "succeeded"


def _environment(system: System) -> dict[str, str]:
    return {"ENDPOINTS": str(system.service.folder.endpoints), "PYTHONPATH": CLIENTS}


async def _ran(system: System, example: str, *arguments: str) -> str:
    """What it printed; it must not have failed."""
    ran = await python(f"examples/{example}", *arguments, environment=_environment(system), within_s=WITHIN_S)
    assert ran.code == 0, ran.err
    return ran.out


@asynccontextmanager
async def _running(system: System, example: str) -> AsyncIterator[asyncio.StreamReader]:
    """What it prints; it must end in peace when a person stops it."""
    running = await begun(f"examples/{example}", environment=_environment(system))
    assert running.stdout is not None
    try:
        yield running.stdout
    finally:
        running.send_signal(signal.SIGINT)
        async with asyncio.timeout(WITHIN_S):
            _, err = await running.communicate()
    assert (running.returncode, err) == (0, b""), err.decode()
