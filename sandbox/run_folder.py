"""The folder `.run`: what the running stack tells others, and what it remembers for its next run.

What lives here: files, each written whole or not at all. What they say is decided by the callers.
"""

import contextlib
import fcntl
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from sandbox import processes

PRIVATE_FOLDER = 0o700
PRIVATE = 0o600  # keys and passwords are for the person who started the stack
LEFTOVER_ENDS_WITHIN_S = 10.0


class AlreadyRunning(Exception):
    """Somebody else holds the folder."""


class RunFolder:
    """One per checkout; it belongs to one supervisor at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.logs = self.path / "logs"
        self.endpoints = self.path / "endpoints.json"
        self.state = self.path / "state.json"
        self.ports = self.path / "ports.json"
        self.secrets = self.path / "secrets.json"
        self._lock = self.path / "lock"
        self._held: os.stat_result | None = None

    def make(self) -> None:
        """The logs are for who started the stack, too: a detached one writes keys and addresses there. (Not the folder:
        PostgreSQL may run as another user inside.)"""
        self.logs.mkdir(parents=True, exist_ok=True)
        self.logs.chmod(PRIVATE_FOLDER)

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Own the folder; the kernel takes it back when this process ends, however. Raises AlreadyRunning."""
        self.make()
        with self._lock.open("a+") as file:
            if not _try_lock(file):
                raise AlreadyRunning(f"already running, process {self.holder()}")
            file.truncate(0)
            file.write(f"{os.getpid()} {processes.birth(os.getpid())}")
            file.flush()
            self._end_leftovers()
            self._held = os.fstat(file.fileno())
            try:
                yield
            finally:
                self.endpoints.unlink(missing_ok=True)
                self.state.unlink(missing_ok=True)
                file.truncate(0)

    def is_deleted(self) -> bool:
        """Whether the folder that was held is gone. A part that is started again makes folders of its own, there too."""
        try:
            return self._held is not None and not os.path.samestat(self._lock.stat(), self._held)
        except (FileNotFoundError, NotADirectoryError):
            return True

    def holder(self) -> int | None:
        """The supervisor's pid; None while nobody runs. Does not touch the lock, which a starter may want
        just now.
        """
        try:
            pid, birth = self._lock.read_text().split()
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        return int(pid) if processes.is_alive(int(pid)) and str(processes.birth(int(pid))) == birth else None

    def read(self, path: Path) -> Any:
        """What a file of the folder says; None when it is not there or was cut short."""
        try:
            return json.loads(path.read_text())
        except (FileNotFoundError, ValueError):
            return None

    def write(self, path: Path, content: object) -> None:
        """Replace a file whole: a reader sees the old or the new one. Only its owner can read it."""
        unfinished = path.with_name(path.name + ".new")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE), "w") as file:
            json.dump(content, file, indent=1, ensure_ascii=False)
            file.write("\n")
        unfinished.replace(path)

    def leftovers(self) -> list[int]:
        """Processes of an earlier run that live on. A pid alone may by now be somebody else's, so births are
        compared.
        """
        recorded = (self.read(self.state) or {}).get("parts", [])
        return [
            p["pid"] for p in recorded if p["pid"] and p["birth"] and processes.birth(p["pid"]) == p["birth"]
        ]

    def _end_leftovers(self) -> None:
        self.endpoints.unlink(missing_ok=True)
        leftovers = self.leftovers()
        for pid in leftovers:
            for each in (pid, *processes.descendants(pid)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each, signal.SIGKILL)
        processes.wait_until(lambda: not any(map(processes.is_alive, leftovers)), LEFTOVER_ENDS_WITHIN_S)


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
