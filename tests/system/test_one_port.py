"""Two web processes behind one port: whichever of them a retry reaches, it is the same request."""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import pytest

from sandbox import checks, processes
from sandbox.ports import HOST, Ports
from sandbox.processes import Program
from sandbox.stack import CHECKOUT
from tests.system.history import History
from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.simulator import SimulatorControl
from tests.system.stack import System

pytestmark = pytest.mark.real

READY_WITHIN_S = 30.0
TRIES = 60


@pytest.fixture
def port(system: System, tmp_path: Path) -> Iterator[int]:
    """Of two more doors, which share it."""
    ports = Ports()
    port = ports.take()
    ports.close()
    running = dict(
        entry.split("=", 1)
        for entry in Path(f"/proc/{system.service.parts()['web-0']['pid']}/environ").read_text().split("\0")
        if "=" in entry
    )
    with ExitStack() as stack:
        for number in (2, 3):
            own = {
                "MILLRACE_HTTP_PORT": str(port),
                "MILLRACE_GRPC_PORT": "off",
                "MILLRACE_HTTP_REUSE_PORT": "true",
                "MILLRACE_INSTANCE": f"web-{number}",
            }
            program = Program(
                f"web-{number}",
                (sys.executable, "-m", "web"),
                tmp_path / f"web-{number}.log",
                env={**{name: value for name, value in running.items() if name not in os.environ}, **own},
                folder=CHECKOUT,
                stop_within_s=5,
            )
            process = processes.spawn(program)
            stack.callback(processes.stop, process, program)
        assert processes.wait_until(
            lambda: checks.says_ready(f"http://{HOST}:{port}/readyz"), READY_WITHIN_S
        ), processes.tail(tmp_path / "web-2.log", 40)
        yield port


async def served_by(port: int) -> set[str]:
    """When the processes that answer at the port were started, as they say themselves."""
    seen = set()
    for _ in range(TRIES):
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as http,
            http.get(f"http://{HOST}:{port}/metrics") as answer,
        ):
            lines = (await answer.text()).splitlines()
            seen.add(next(line for line in lines if line.startswith("process_start_time_seconds")))
        if len(seen) == 2:
            break
        await asyncio.sleep(0.1)
    return seen


async def test_two_processes_behind_one_port_answer_the_same_retries_alike(
    system: System, port: int, history: History, stripe: SimulatorControl, inquest: Inquest
) -> None:
    assert len(await served_by(port)) == 2
    clients = [HttpClient([f"http://{HOST}:{port}"], system.merchants[0], history) for _ in range(20)]
    try:
        made = await asyncio.gather(*(client.create("one-port", amount=2500) for client in clients))
        again = await asyncio.gather(*(client.create("one-port", amount=2500) for client in clients))
        read = await asyncio.gather(*(client.get(f"/v1/payments/{made[0].payment_id}") for client in clients))
    finally:
        for client in clients:
            await client.__aexit__()
    assert {each.status for each in made} <= {201, 202}
    assert {(each.status, each.headers.get("Idempotent-Replayed")) for each in again} == {(201, "true")}
    assert len({each.answer["id"] for each in [*made, *again]}) == 1
    assert all(found == (200, again[0].answer) for found in read)
    found = await inquest.hold()
    charges = [entry for entry in found.ledger.entries if entry["payment"] == made[0].payment_id]
    assert [(entry["kind"], entry["outcome"]) for entry in charges] == [("charge", "succeeded")]
