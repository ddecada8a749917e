"""The processes under test: started, hurt, and started again by a supervisor as production has one."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import processes
from sandbox.processes import Program

RESTART_S = 0.5
END_WITHIN_S = (
    30.0  # SIGTERM to exit, at the end of a run; above the subject's own bound, which must come first
)
TOLD_TO = (0, -signal.SIGKILL)  # exit codes that the harness itself caused


@dataclass
class Worker:
    role: str
    name: str
    process: subprocess.Popen[bytes]
    asleep: bool = False

    @property
    def can_be_hurt(self) -> bool:
        return not self.asleep and self.process.poll() is None

    def signal(self, number: int) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)


@dataclass
class Workforce:
    """All processes of one run."""

    folder: Path
    env: dict[str, str]
    workers: list[Worker] = field(default_factory=list)
    exits: Counter[str] = field(default_factory=Counter)
    started: int = 0

    def hire(self, role: str) -> Worker:
        worker = Worker(role, "", self._spawn(role))
        worker.name = f"{role}{self.started}"
        self.workers.append(worker)
        return worker

    def _spawn(self, role: str) -> subprocess.Popen[bytes]:
        self.started += 1
        name = f"{role}{self.started}"
        command = (sys.executable, "-m", "tests.faults.delivery.subject", role)
        return processes.spawn(Program(name, command, self.folder / f"{name}.log", self.env | {"NAME": name}))

    async def supervise(self) -> None:
        """Start again whatever ended, for as long as this task lives."""
        while True:
            for worker in self.workers:
                if (code := worker.process.poll()) is not None:
                    self.exits[f"{worker.role} {code}"] += 1
                    await asyncio.sleep(RESTART_S)
                    worker.process, worker.asleep = self._spawn(worker.role), False
                    worker.name = f"{worker.role}{self.started}"
            await asyncio.sleep(RESTART_S)

    async def dismiss(self) -> None:
        """SIGTERM to all; whoever is still there after its time is counted as hung."""
        for worker in self.workers:
            worker.signal(signal.SIGCONT)
            worker.signal(signal.SIGTERM)
        for worker in self.workers:
            try:
                code: object = await asyncio.to_thread(worker.process.wait, END_WITHIN_S)
            except subprocess.TimeoutExpired:
                code = "HUNG"
                processes.kill_tree(worker.process)
            self.exits[f"{worker.role} end {code}"] += 1

    def of(self, role: str) -> list[Worker]:
        return [worker for worker in self.workers if worker.role == role]

    def logged(self, text: str) -> int:
        """In how many of the logs it occurs."""
        return sum(text in log.read_text(errors="replace") for log in self.folder.glob("*.log"))
