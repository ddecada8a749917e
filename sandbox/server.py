"""What the local Kafka, PostgreSQL and Valkey have in common: start, stop, kill, start again with the same
port and data.

What a server needs before it starts, and how one sees that it answers, is its own file's.
"""

import abc
import subprocess
from pathlib import Path

from sandbox import processes
from sandbox.processes import Program, ProgramFailed


class Server(abc.ABC):
    """A real server as a child process, its data in a folder, listening on loopback on a port that does not
    change.
    """

    name: str
    start_within_s = 60.0

    def __init__(self, folder: Path, port: int, log: Path | None = None) -> None:
        self.folder = folder.absolute()
        self.port = port
        self.log = log or self.folder / f"{self.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @abc.abstractmethod
    def prepare(self) -> None:
        """Make the data folder ready; quick when it is already. Removes what a crash left in the way."""

    @abc.abstractmethod
    def program(self) -> Program:
        """What to run."""

    @abc.abstractmethod
    def is_ready(self) -> bool:
        """Whether it answers now. Returns within about a second."""

    @property
    def pid(self) -> int:
        """The process that listens. Only while started."""
        if self._process is None:
            raise RuntimeError(f"{self.name} is not started")
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether its process is there; it may not answer yet."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; return once it answers. Raises ProgramFailed, with the end of its log, otherwise."""
        self.prepare()
        program = self.program()
        process = self._process = processes.spawn(program)
        processes.wait_until(lambda: process.poll() is not None or self.is_ready(), self.start_within_s)
        if process.poll() is not None:
            raise ProgramFailed(program, processes.describe_exit(process.returncode))
        if not self.is_ready():
            processes.kill_tree(process)
            raise ProgramFailed(program, f"did not answer within {self.start_within_s:g} s")

    def stop(self) -> None:
        """Stop it cleanly; nothing happens when it is not running."""
        if self._process is not None:
            processes.stop(self._process, self.program())

    def kill(self) -> None:
        """SIGKILL, as a crash or a power cut would end it."""
        if self._process is not None:
            processes.kill_tree(self._process)
