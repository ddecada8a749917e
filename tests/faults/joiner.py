"""A worker beside those that the supervisor keeps: it comes and goes as a test says, with another clock or of another version."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from sandbox import checks, processes
from sandbox.ports import HOST, Ports
from sandbox.processes import Program
from sandbox.stack import CHECKOUT
from tests.system.stack import System

READY_WITHIN_S = 40.0
ENDS_WITHIN_S = 15.0
NOTHING_MORE: Mapping[str, str] = MappingProxyType({})


class Joiner:
    """`settings`: beside what the supervisor's own processes of that role are told. `tree`: a checkout of another version,

    whose modules come first there: it is the working directory.
    """

    def __init__(
        self, system: System, role: str, settings: Mapping[str, str] = NOTHING_MORE, tree: Path = CHECKOUT
    ) -> None:
        self._ports = Ports()
        self._health = self._ports.take()
        name = f"{role}-joiner-{self._health}"
        own = {"MILLRACE_INSTANCE": name, "MILLRACE_HEALTH_PORT": str(self._health)}
        self._program = Program(
            name,
            (sys.executable, "-m", f"agents.{role}"),
            system.service.folder.logs / f"{name}.log",
            env={**environment_of(system, f"{role}-0"), **own, **settings},
            folder=tree,
            stop_within_s=ENDS_WITHIN_S,
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = processes.spawn(self._program)

    def is_ready(self) -> bool:
        return checks.says_ready(f"http://{HOST}:{self._health}/readyz")

    def wait_until_ready(self) -> None:
        """Raises AssertionError where it ends, or does not become ready."""
        process = self._process
        assert process is not None
        processes.wait_until(lambda: process.poll() is not None or self.is_ready(), READY_WITHIN_S)
        assert process.poll() is None and self.is_ready(), processes.tail(self._program.log)

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        self._ports.close()

    def stop(self) -> None:
        """As an operator would end it."""
        if self._process is not None:
            processes.stop(self._process, self._program)
        self._ports.close()


def environment_of(system: System, name: str) -> dict[str, str]:
    """What the supervisor has told that process, or who comes next where it has just ended."""
    told = b""

    def is_told() -> bool:
        nonlocal told
        with suppress(FileNotFoundError, ProcessLookupError):
            told = Path(f"/proc/{system.service.parts()[name]['pid']}/environ").read_bytes()
        return bool(told)

    assert processes.wait_until(is_told, READY_WITHIN_S), f"{name} does not come"
    pairs = (line.decode().partition("=") for line in told.split(b"\0") if line)
    own = ("MILLRACE_", "PYTHONPATH")  # the second leads to bugs, where some are planted
    return {key: value for key, _, value in pairs if key not in os.environ or key.startswith(own)}
