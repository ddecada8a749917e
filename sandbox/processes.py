"""Operating-system processes that cannot outlive whoever started them.

What lives here: spawning, signalling and finding processes. What a process is for, and when to restart it,
does not.

The promise "nothing is left running" must hold when the parent is killed with SIGKILL, so it cannot rest on
clean-up code. Linux can deliver a signal to a child when its parent dies (prctl PR_SET_PDEATHSIG). Three
traps go with it:

- The "parent" is the *thread* that forked. A server started from a short-lived worker thread would die with
  that thread, so every fork happens in one thread that lives as long as the process.
- Changing credentials clears the setting, so it is set after the change of user, last before exec.
- The parent may have died between fork and prctl, when nothing would be delivered: the child looks, and
  leaves.
"""

import ctypes
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.accounts import Account

PR_SET_PDEATHSIG = 1  # Source: prctl(2)
POLL_S = 0.02  # how often an exit or a readiness is asked for; start-up is waited for by a person
LOG_LIMIT_BYTES = 50_000_000  # per part; what is older is kept once, in the file ending in .1

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Program:
    """What to execute and how to end it."""

    name: str
    command: tuple[str, ...]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)  # on top of this process's own
    folder: Path | None = None
    account: Account | None = None  # None: whoever we are
    stop_signal: signal.Signals = signal.SIGTERM  # the clean way out
    death_signal: signal.Signals = signal.SIGKILL  # what it gets when we die; SIGKILL needs nobody's consent
    stop_within_s: float = 6.0  # then it is killed


class _Spawner:
    """The one thread that forks: it never ends before the process does."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[
            tuple[Callable[[], subprocess.Popen[bytes]], Future[subprocess.Popen[bytes]]]
        ]
        self._jobs = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._started_in_pid: int | None = None

    def __call__(self, fork: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._started_in_pid != os.getpid():
                threading.Thread(target=self._work, name="spawner", daemon=True).start()
                self._started_in_pid = os.getpid()
        answer: Future[subprocess.Popen[bytes]] = Future()
        self._jobs.put((fork, answer))
        return answer.result()

    def _work(self) -> None:
        while True:
            fork, answer = self._jobs.get()
            try:
                answer.set_result(fork())
            except BaseException as error:  # belongs to whoever asked
                answer.set_exception(error)


_spawn_in_lasting_thread = _Spawner()


def end_with_parent(how: signal.Signals) -> None:
    """Have this very process signalled when the one that started it is gone. For the main thread."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_PDEATHSIG, int(how))


def spawn(program: Program) -> subprocess.Popen[bytes]:
    """Start the program; its output is appended to its log. It dies when this process dies, however that
    happens.
    """
    parent = os.getpid()

    def become() -> None:
        if program.account is not None:
            program.account.become()
        if sys.platform == "linux":
            _libc.prctl(PR_SET_PDEATHSIG, int(program.death_signal))
            if os.getppid() != parent:
                os._exit(1)

    def fork() -> subprocess.Popen[bytes]:
        with program.log.open("ab") as log:
            return subprocess.Popen(
                program.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **program.env},
                cwd=program.folder,
                start_new_session=True,  # Ctrl-C reaches the supervisor alone, which stops all
                preexec_fn=become,
            )

    program.log.parent.mkdir(parents=True, exist_ok=True)
    return _spawn_in_lasting_thread(fork)


def run(program: Program, timeout_s: float) -> None:
    """Run the program to its end. Raises ProgramFailed, with the last lines of its log, unless it exits with
    0.
    """
    process = spawn(program)
    try:
        code = process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        kill_tree(process)
        raise ProgramFailed(program, f"did not end within {timeout_s:g} s") from None
    if code != 0:
        raise ProgramFailed(program, describe_exit(code))


class ProgramFailed(Exception):
    """A program did not do what it was started for; says which one and shows the end of its log."""

    def __init__(self, program: Program, what: str) -> None:
        super().__init__(f"{program.name} {what}\n{tail(program.log)}")


def stop(process: subprocess.Popen[bytes], program: Program) -> None:
    """End the process the clean way within the program's bound, else with SIGKILL; it is gone then."""
    if process.poll() is not None:
        return
    process.send_signal(program.stop_signal)
    try:
        process.wait(program.stop_within_s)
    except subprocess.TimeoutExpired:
        kill_tree(process)


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the process and all that descend from it. Returns once it is gone."""
    family = descendants(process.pid) if process.poll() is None else []
    for pid in (process.pid, *family):
        if process.returncode is None or pid != process.pid:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    process.wait()
    wait_until(lambda: not any(is_alive(pid) for pid in family), timeout_s=5.0)


def descendants(pid: int) -> list[int]:
    """Children, their children and so on, as the process table shows them now (empty where there is no
    /proc).
    """
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            parents.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def is_alive(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        if Path("/proc/self").exists():
            return _stat(pid)[0] not in "ZX"
        os.kill(pid, 0)
    except (OSError, IndexError):
        return False
    return True


def birth(pid: int) -> str | None:
    """When the process was born, in clock ticks since boot: with the pid it names a process for good. None:
    gone.
    """
    try:
        return _stat(pid)[19] if is_alive(pid) else None
    except (OSError, IndexError):
        return None


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on (the name before them may hold anything)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Ask until the condition holds; False when it did not within the time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def describe_exit(code: int) -> str:
    """An exit code in words."""
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def tail(log: Path, lines: int = 15, line_chars: int = 400, read_bytes: int = 65_536) -> str:
    """The last lines of a log, indented, with its path; for messages about what went wrong."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - read_bytes))
            text = file.read().decode(errors="replace")
    except OSError:
        return f"  (no log at {log})"
    last = text.splitlines()[-lines:] or ["(empty)"]
    return "\n".join([f"  last lines of {log}:", *(f"  | {line[:line_chars]}" for line in last)])


def rotate(log: Path) -> None:
    """Keep the log of the run before as .1 and begin an empty one."""
    if log.exists():
        log.replace(log.with_name(log.name + ".1"))


def bound(log: Path, limit_bytes: int = LOG_LIMIT_BYTES) -> None:
    """Cut a log that has grown over its limit while its writer has it open for appending."""
    with suppress(FileNotFoundError):
        if log.stat().st_size > limit_bytes:
            log.with_name(log.name + ".1").write_bytes(log.read_bytes())
            os.truncate(log, 0)
