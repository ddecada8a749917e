"""Parts for the supervisor's tests: real processes, tiny ones. Each says that it is ready by making a file."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

from sandbox import processes
from sandbox.parts import Part
from sandbox.processes import Program

STEADY = 'trap "rm -f $READY; exit 0" TERM; touch $READY; while :; do sleep 60 & wait; done'
STUBBORN = 'trap "" TERM; touch $READY; while :; do sleep 60; done'
BROKEN = "echo it cannot be; exit 7"


class Bench:
    """Makes fake parts in a folder and looks at what became of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []

    def part(
        self, role: str, script: str = STEADY, after: frozenset[str] = frozenset(), index: int = 0
    ) -> Part:
        """`$READY` in the script is the file whose being there means ready; starts and stops are written to a
        log.
        """
        ready = self.folder / f"{role}-{index}.ready"
        journal = self.folder / "journal"
        noted = f'echo "start {role}" >> {journal}; {script}'

        def prepare() -> None:
            ready.unlink(missing_ok=True)

        def program() -> Program:
            return Program(
                role,
                ("/bin/sh", "-c", noted),
                self.folder / f"{role}.log",
                env={"READY": str(ready)},
                stop_within_s=1.0,
            )

        return Part(
            role, program, ready.exists, index=index, prepare=prepare, after=after, ready_within_s=10.0
        )

    def starts(self) -> list[str]:
        """The roles in the order in which they were started."""
        journal = self.folder / "journal"
        return [line.split()[1] for line in journal.read_text().splitlines()] if journal.exists() else []


def kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


async def eventually(condition: Callable[[], bool], within_s: float = 60.0) -> None:
    """Ask until it holds. Fails when it does not in time."""
    held = await asyncio.get_running_loop().run_in_executor(None, processes.wait_until, condition, within_s)
    assert held, "it did not come to be"
