"""The programs in `examples/` and the Python client, at the whole system: what they print is what happened."""

import asyncio
import json
import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import pytest

from millrace_client import AsyncMillrace, Millrace, payment_id_for
from sandbox.kafka import class_path, java
from sandbox.stack import CHECKOUT
from tests.clients.in_threads import InThreads
from tests.java import compile_java
from tests.schemas import schemas, violations
from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.operator import begun, python
from tests.system.stack import System
from tests.system.waiting import POLL_S, until

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("stripe")]

WITHIN_S = 30.0
PLACES = "SELECT partition, next FROM places"
CLIENTS = str(CHECKOUT / "clients" / "python")
ASKED: dict[str, Any] = {"amount": 1999, "currency": "usd", "payment_method": "pm_card_visa"}


async def test_the_example_of_the_client_pays_once_however_often_it_runs(
    system: System, inquest: Inquest
) -> None:
    payment = payment_id_for(system.merchants[0]["id"], "example-http")
    first = await _ran(system, "pay_and_refund.py", "example-http")
    assert f"{payment} was captured: 19.99 USD" in first and "is succeeded: 5.00 USD" in first
    await inquest.hold()
    again = await _ran(system, "pay_and_refund.py", "example-http")
    assert f"{payment} was already captured: 19.99 USD" in again and "is succeeded: 5.00 USD" in again
    assert "1  payment.requested.v1" in again and "refund.succeeded.v1" in again
    found = await inquest.hold()
    (row,) = [row for row in found.ledger.payments if row["payment"] == payment]
    assert len(row["refunds"]) == 1


async def test_the_example_of_a_producer_and_the_one_of_a_consumer_tell_of_the_same_payment(
    system: System, inquest: Inquest, tmp_path: Path
) -> None:
    payment = payment_id_for(system.merchants[0]["id"], "example-kafka")
    async with _running(system, "follow_events.py", str(tmp_path / "view.sqlite")) as following:
        told = await _ran(system, "pay_by_kafka.py", "example-kafka")
        assert json.loads(told.partition("\n")[2])["payment"]["status"] == "captured"
        assert told.startswith(f"asked for {payment} ")
        story = await _story(following.stdout, payment)
    assert [int(words[2]) for words in story] == list(range(1, len(story) + 1))
    assert (story[0][3], story[-1][4]) == ("payment.requested.v1", "captured")
    found = await inquest.hold()
    sent = [record for record in found.log.commands.values() if record.key == payment.encode()]
    types = [dict(record.headers)["ce_type"].decode() for record in sent]
    assert "payment.create.v1" in types
    for type, record in zip(types, sent, strict=True):
        assert type not in schemas() or not violations(type, record.value)


async def test_the_consumer_goes_on_where_its_view_is_after_a_kill_and_takes_nothing_in_twice(
    system: System, http: HttpClient, inquest: Inquest, tmp_path: Path
) -> None:
    file = tmp_path / "view.sqlite"
    first = await http.create("followed-1")
    async with _running(system, "follow_events.py", str(file), stopped_by=signal.SIGKILL) as following:
        await _story(following.stdout, first.payment_id)
    second = await http.create("followed-2")
    found = await inquest.hold()
    stories = {payment: len(story) for payment, story in found.log.stories.items()}
    async with _running(system, "follow_events.py", str(file)) as following:
        assert await _story(following.stdout, second.payment_id)
        await _taken_in(following, file, stories)
    places = _rows(file, PLACES)
    _write(file, "UPDATE places SET next = 0")  # rewound: everything comes a second time
    async with _running(system, "follow_events.py", str(file)):
        await until(lambda: _rows(file, PLACES) == places, WITHIN_S, "everything is read again")
    assert _sequences(file) == stories


async def test_the_consumer_ends_where_an_event_is_missing(
    system: System, http: HttpClient, inquest: Inquest, tmp_path: Path
) -> None:
    file = tmp_path / "view.sqlite"
    made = await http.create("followed-gap")
    async with _running(system, "follow_events.py", str(file)) as following:
        await _story(following.stdout, made.payment_id)
    _write(file, f"UPDATE payments SET sequence = sequence - 1 WHERE id = '{made.payment_id}'")
    await http.refund(made.payment_id, "followed-gap-refund", amount=1)
    ran = await python(
        "examples/follow_events.py", str(file), environment=_environment(system), within_s=WITHIN_S
    )
    assert ran.code == 1
    assert f"LookupError: {made.payment_id}: event" in ran.err
    await inquest.hold()


async def test_the_consumer_in_java_reads_the_same_story(
    system: System, http: HttpClient, inquest: Inquest, tmp_path: Path
) -> None:
    made = await http.create("followed-by-java")
    found = await inquest.hold()
    kafka = class_path(tmp_path)
    await asyncio.to_thread(compile_java, CHECKOUT / "examples" / "FollowEvents.java", kafka, tmp_path)
    following = await asyncio.create_subprocess_exec(
        *(java(), "-cp", f"{tmp_path}{os.pathsep}{kafka}", "FollowEvents", system.kafka.bootstrap),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        story = await _story(following.stdout, made.payment_id)
    finally:
        following.kill()
        await following.wait()
    told = [(str(happened.sequence), happened.type) for _, happened in found.log.stories[made.payment_id]]
    assert [(words[2], words[3]) for words in story] == told


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
async def _running(
    system: System, example: str, *arguments: str, stopped_by: signal.Signals = signal.SIGINT
) -> AsyncIterator[asyncio.subprocess.Process]:
    """It must end in peace when a person stops it."""
    running = await begun(f"examples/{example}", *arguments, environment=_environment(system))
    try:
        yield running
    finally:
        running.send_signal(stopped_by)
        async with asyncio.timeout(WITHIN_S):
            _, err = await running.communicate()
    code = -stopped_by if stopped_by is signal.SIGKILL else 0
    assert (running.returncode, err) == (code, b""), err.decode()


async def _story(printed: asyncio.StreamReader | None, payment: str) -> list[list[str]]:
    """The words of each line about a payment, until it is captured."""
    assert printed is not None
    story: list[list[str]] = []
    async with asyncio.timeout(WITHIN_S):
        while not story or story[-1][3] != "payment.captured.v1":
            line = (await printed.readline()).decode().split()
            assert line, "the consumer has ended"
            story += [line] if line[1] == payment else []
    return story


async def _taken_in(following: asyncio.subprocess.Process, file: Path, stories: dict[str, int]) -> None:
    """Reads on what it prints, as it would stand still behind a full pipe."""
    assert following.stdout is not None
    async with asyncio.timeout(WITHIN_S):
        while _sequences(file) != stories:
            with suppress(TimeoutError):
                await asyncio.wait_for(following.stdout.readline(), POLL_S)


def _sequences(file: Path) -> dict[str, int]:
    return dict(_rows(file, "SELECT id, sequence FROM payments"))


def _rows(file: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(file)) as view:
        return sorted(view.execute(query))


def _write(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as view, view:
        assert view.execute(statement).rowcount > 0
