"""SIGKILL at each named point of the code, a rolling restart, and a process that sleeps and wakes: all of it under load."""

import asyncio
import re
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from sandbox.stack import CHECKOUT
from tests.system.history import History
from tests.system.inquest import Inquest
from tests.system.load import Load
from tests.system.stack import System
from tests.system.test_analytics import POINTS as REBUILD_POINTS
from tests.system.test_mails import POINTS as MAIL_POINTS
from tests.system.test_replay import POINTS as REPLAY_POINTS
from tests.system.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(240)]

POINTS = {
    "web.before_append": "nothing has left the door",
    "web.after_append": "the command is durable, nobody was told",
    "web.before_remember": "the answer is known to the door alone",
    "web.before_answer": "the answer can be read, and has not left",
    "writer.decided": "decided in memory, nothing is committed",
    "delivery.produced": "the records of a transaction are written, and it is not ended",
    "delivery.committed": "the transaction is ended, nobody was answered",
    "gateway.before_psp": "the event is read, Stripe was not asked",
    "gateway.after_psp": "Stripe has charged, nobody knows",
    "delivery.reported": "the outcome is a command, the event that asked for it is not done",
    "projection.after_store": "PostgreSQL has it, the place in the log was not committed",
    "notifications.after_webhooks": "deliveries are kept, the place in the log was not committed",
    "analytics.after_store": "facts and sums are kept, the place in the log was not committed",
}
"""Each of them is reached by what any payment does; the others are struck in tests of their own."""
HANDING_OVER = "delivery.handing_over"
"""What was taken is being given back: reached when somebody comes or goes."""
STRIKES_WITHIN_S = 20.0
BACK_WITHIN_S = 40.0
FROZEN_S = 8.0  # beyond the session's six seconds: somebody else owns the partitions by then


def test_every_crash_point_of_the_code_is_struck_here() -> None:
    named = re.compile(r"crashpoint\(\"([a-z_.]+)\"\)")
    folders = (CHECKOUT / name for name in ("agents", "streams", "web"))
    files: list[Path] = [file for folder in folders for file in folder.rglob("*.py")]
    assert {name for file in files for name in named.findall(file.read_text())} == {
        *POINTS,
        *REPLAY_POINTS,
        *REBUILD_POINTS,
        *MAIL_POINTS,
        HANDING_OVER,
    }


@pytest.mark.parametrize("point", POINTS)
async def test_a_process_that_dies_there_loses_and_doubles_nothing(
    system: System, load: Callable[[int], Load], inquest: Inquest, point: str
) -> None:
    armed = system.crashpoints / point
    async with load(sum(point.encode())):
        deaths = _deaths(system)
        armed.touch()
        await until(lambda: not armed.exists(), STRIKES_WITHIN_S, f"{point} is reached")
        await until(lambda: _deaths(system) > deaths, STRIKES_WITHIN_S, "the supervisor notices")
        await until(system.service.is_whole, BACK_WITHIN_S, "it is back")
    await inquest.hold()


async def test_a_rolling_restart_turns_nobody_away(
    system: System, history: History, load: Callable[[int], Load], inquest: Inquest
) -> None:
    began = time.monotonic()
    async with load(5):
        for name in system.service.parts():
            pid = system.service.signal(name, signal.SIGTERM)
            told_at = time.monotonic()
            await until(partial(system.service.has_replaced, name, pid), BACK_WITHIN_S, name)
            print(f"{name} was replaced in {time.monotonic() - told_at:.1f} s")
    statuses = {attempt.status for attempt in history.attempts_since(began)}
    assert not {status for status in statuses if status is not None and status >= 500} - {503}
    await inquest.hold()


async def test_a_process_that_dies_while_it_hands_over_loses_and_doubles_nothing(
    system: System, load: Callable[[int], Load], inquest: Inquest
) -> None:
    armed = system.crashpoints / HANDING_OVER
    async with load(7):
        deaths = _deaths(system)
        armed.touch()
        system.service.signal("writer-0", signal.SIGTERM)
        await until(lambda: not armed.exists(), STRIKES_WITHIN_S, "somebody hands over")
        await until(lambda: _deaths(system) > deaths, STRIKES_WITHIN_S, "the supervisor notices")
        await until(system.service.is_whole, BACK_WITHIN_S, "it is back")
    await inquest.hold()


@pytest.mark.parametrize("role", ["writer", "gateway"])
async def test_a_process_that_sleeps_through_its_own_replacement_does_no_harm_when_it_wakes(
    system: System, load: Callable[[int], Load], inquest: Inquest, role: str
) -> None:
    async with load(6):
        pid = system.service.signal(f"{role}-0", signal.SIGSTOP)
        try:
            await asyncio.sleep(FROZEN_S)
        finally:
            system.service.signal(f"{role}-0", signal.SIGCONT)
        assert pid
    await until(system.service.is_whole, BACK_WITHIN_S, "all are back")
    await inquest.hold()


def _deaths(system: System) -> int:
    return sum(part["restarts"] for part in system.service.parts().values())
