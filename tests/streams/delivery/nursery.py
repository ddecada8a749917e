"""Where subjects are born: forked from a process that has imported all they need, a second of CPU time sooner each.

What lives here: that process (`python -m tests.streams.delivery.nursery`) and the test's hold on it. What a subject does is
its own module's, which each runs from the beginning.
"""

import contextlib
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from sandbox import processes
from sandbox.stack import CHECKOUT

SUBJECT = "tests.streams.delivery.subject"
PREPARED = (
    "streams.delivery",
    "tests.faults.planted",
    "tests.streams.delivery.accidents",
)  # and with them all that is not the subject's own


class Nursery:
    """Everybody born here dies with it, and it with whoever started it."""

    def __init__(self, log: Path) -> None:
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                (sys.executable, "-m", __name__), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=CHECKOUT
            )  # fmt: skip

    def bear(self, settings: Mapping[str, Any], log: Path) -> int:
        """The pid of a new subject; how it ended will be in the file of its log with the ending `.code`."""
        log.touch()  # it may be read before anything is written
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"settings": settings, "log": str(log)}).encode() + b"\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        processes.kill_tree(self._process)


def main() -> None:
    """A line on standard input, a subject: its pid on standard output. Ends when nobody can ask any more."""
    for each in PREPARED:
        importlib.import_module(each)
    codes: dict[int, Path] = {}

    def bury(*_: object) -> None:
        with contextlib.suppress(ChildProcessError):  # nobody is left
            while True:  # no list of them: another death may call us meanwhile
                died, status = os.waitpid(-1, os.WNOHANG)
                if not died:
                    return
                code = codes.pop(died)
                code.with_suffix(".new").write_text(str(os.waitstatus_to_exitcode(status)))
                code.with_suffix(".new").rename(code)

    signal.signal(signal.SIGCHLD, bury)
    for line in sys.stdin:
        order = json.loads(line)
        log = Path(order["log"])
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})  # it must be in the list when it dies
        if (pid := os.fork()) == 0:
            live(order["settings"], log)
        codes[pid] = log.with_suffix(".code")
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        print(pid, flush=True)


def live(settings: Mapping[str, Any], log: Path) -> NoReturn:
    """Be a subject, as if started by itself, to the very end of the interpreter."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    processes.end_with_parent(signal.SIGKILL)
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(written, 1)
    os.dup2(written, 2)
    os.environ["SUBJECT"] = json.dumps(settings)
    runpy.run_module(SUBJECT, run_name="__main__", alter_sys=True)
    sys.exit()


if __name__ == "__main__":
    main()
