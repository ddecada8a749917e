"""Keeps one part running: prepare, start, ask until it answers, wait for its death, start again or give up.

What lives here: the life of one process. The order between parts is `sandbox.supervisor`'s, the decision to
start again `sandbox.restarts`'s. While all is well a thread waits for the process and nothing polls.
"""

import asyncio
import subprocess
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sandbox import processes
from sandbox.parts import Part, Standing, State
from sandbox.restarts import Restarts

READY_POLL_S = 0.05
OWN_FAILURE = 1  # the exit code of a life that ended before there was a process
Answer = TypeVar("Answer")


class StartFailed(Exception):
    """The stack did not come up: which part, and the end of its log."""


class Surroundings(Protocol):
    """What a keeper needs of the whole."""

    threads: Executor
    stopping: asyncio.Event

    async def wait_for(self, names: frozenset[str]) -> None:
        """Until each of these is ready, done or given up."""

    def changed(self, standing: Standing) -> None:
        """A standing has changed."""

    def announce(self, line: str) -> None:
        """Tell the person."""


@dataclass(frozen=True)
class Death:
    """How one life of a process ended."""

    exit_code: int
    ready_for_s: float  # 0: it never answered
    message: str


class Keeper:
    """One part and its current process."""

    def __init__(self, part: Part, surroundings: Surroundings) -> None:
        self.part = part
        self.standing = Standing(part.name, part.role, part.index, part.address)
        self.settled = asyncio.Event()  # it answers, or is given up
        self.gone = asyncio.Event()  # stopped for good
        self._around = surroundings
        self._restarts = Restarts()
        self._process: subprocess.Popen[bytes] | None = None

    async def run(self) -> None:
        """Keep the part running until told to stop. Raises StartFailed when it never came to answer."""
        while not self._around.stopping.is_set():
            await self._around.wait_for(self.part.after)
            death = await self._live_once()
            if self._around.stopping.is_set():
                return
            self.settled.clear()
            self.standing.message = death.message
            delay_s = self._restarts.died(death.exit_code, death.ready_for_s)
            if delay_s is None:
                self._give_up()
                return
            self._announce_death(death, delay_s)
            await _sleep_unless(self._around.stopping, delay_s)

    async def stop(self) -> None:
        """End the process, the clean way while it takes no longer than the part allows."""
        process = self._process
        if process is not None:
            await self._in_thread(lambda: processes.stop(process, self.part.program()))
        self.standing.pid = None
        self._become(State.STOPPED)
        self.gone.set()

    async def _live_once(self) -> Death:
        self._become(State.STARTING)
        try:
            await self._in_thread(self.part.prepare)
            if self._around.stopping.is_set():
                return Death(0, 0.0, "")
            process = self._process = processes.spawn(self.part.program())
        except (
            Exception
        ) as error:  # a failed download, a full disk, a missing program: reported, counted, tried again
            return Death(OWN_FAILURE, 0.0, f"could not be started: {error}")
        self.standing.pid = process.pid
        self._around.changed(self.standing)
        death = asyncio.ensure_future(self._in_thread(process.wait))
        ready_at = await self._answer(death)
        if ready_at is None and not death.done():
            await self._in_thread(lambda: processes.kill_tree(process))
            return Death(OWN_FAILURE, 0.0, f"did not answer within {self.part.ready_within_s:g} s")
        exit_code = await death
        self.standing.pid = None
        ready_for_s = 0.0 if ready_at is None else max(time.monotonic() - ready_at, 0.001)
        return Death(exit_code, ready_for_s, processes.describe_exit(exit_code))

    async def _answer(self, death: "asyncio.Future[int]") -> float | None:
        """Ask until it answers, and say so; None when it died first or took too long."""
        deadline = time.monotonic() + self.part.ready_within_s
        while not death.done() and not self._around.stopping.is_set() and time.monotonic() < deadline:
            if await self._in_thread(self.part.is_ready) and not death.done():
                self._restarts.ready()
                self._become(State.READY)
                self.settled.set()
                return time.monotonic()
            await asyncio.wait([death], timeout=READY_POLL_S)
        return None

    def _give_up(self) -> None:
        log = processes.tail(self.part.program().log)
        if not self._restarts.was_ready_once:
            raise StartFailed(f"{self.part.name} {self.standing.message}\n{log}")
        self._become(State.GAVE_UP)
        self.settled.set()
        self._around.announce(
            f"{self.part.name} {self.standing.message}, {self._restarts.failures} times in a row: given up\n{log}"
        )

    def _announce_death(self, death: Death, delay_s: float) -> None:
        self.standing.restarts += 1
        self._become(State.RESTARTING)
        when = f"again in {delay_s:g} s" if delay_s else "started again at once"
        self._around.announce(f"{self.part.name} {death.message}: {when}")

    def _become(self, state: State) -> None:
        self.standing.become(state)
        self._around.changed(self.standing)

    def _in_thread(self, work: Callable[[], Answer]) -> Awaitable[Answer]:
        return asyncio.get_running_loop().run_in_executor(self._around.threads, work)


async def _sleep_unless(event: asyncio.Event, seconds: float) -> None:
    """Sleep, unless the event comes first."""
    if seconds:
        waiting = asyncio.ensure_future(event.wait())
        await asyncio.wait([waiting], timeout=seconds)
        waiting.cancel()
