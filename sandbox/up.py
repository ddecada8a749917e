"""`millrace up`: one process that starts the stack, tells where it is, keeps it running and stops it on a
signal.

What lives here: the order of those acts, and what is said and written. The parts are `sandbox.stack`'s.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from sandbox import kafka_classes, outside, processes
from sandbox.endpoints import Endpoints
from sandbox.keeper import StartFailed
from sandbox.ports import Ports
from sandbox.run_folder import AlreadyRunning, RunFolder
from sandbox.stack import CHECKOUT, Stack
from sandbox.supervisor import Supervisor

FAILED, INTERRUPTED = 1, 130
HOUSEKEEPING_EVERY_S = 5.0
MADE = "MAKELEVEL"  # in the environment of what make starts
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(folder: RunFolder, down: str, servers_only: bool = False) -> NoReturn:
    """Run the stack until a signal, then exit. `down`: the command for that, as the person types it.

    The exit asks nobody: a thread that waits for a download or for a process would hold up the ordinary way,
    and whatever were still running is ended by the kernel.
    """
    code = FAILED
    if MADE in os.environ:  # `make run`: whoever ends make, however, means us
        processes.end_with_parent(signal.SIGTERM)
    try:
        code = _hold_and_run(folder, down, servers_only)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os._exit(code)


def _hold_and_run(folder: RunFolder, down: str, servers_only: bool) -> int:
    try:
        brought = outside.read(os.environ)
        with folder.hold():
            return asyncio.run(_run(folder, brought, down, servers_only))
    except AlreadyRunning as error:
        _say(f"millrace: {error}: `{down}` stops it")
    except outside.BadSetting as error:
        _say(f"millrace: {error}")
    return FAILED


def detach(folder: RunFolder, down: str, servers_only: bool = False) -> int:
    """Run the stack in the background; returns once it is ready or has failed, having shown its progress."""
    if (holder := folder.holder()) is not None:
        _say(f"millrace: already running, process {holder}: `{down}` stops it")
        return FAILED
    folder.make()
    folder.endpoints.unlink(
        missing_ok=True
    )  # of a supervisor that was killed: it would look as if we were ready
    log = folder.logs / "supervisor.log"
    processes.rotate(log)
    options = ["--run-dir", str(folder.path), "--down", down]
    options += ["--servers-only"] if servers_only else []
    command = [sys.executable, "-m", "millrace", "up", *options]
    with log.open("ab") as output:
        supervisor = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=CHECKOUT,
            start_new_session=True,
            env={name: value for name, value in os.environ.items() if name != MADE},  # it outlives make
        )
    return _follow(log, supervisor, folder)


async def _run(folder: RunFolder, brought: outside.Outside, down: str, servers_only: bool) -> int:
    ports = Ports(seed=str(folder.path))
    stack = Stack(folder, brought, ports, servers_only)
    parts = stack.parts()
    for name in [part.name for part in parts] + [step.name for step in stack.steps()]:
        processes.rotate(folder.logs / f"{name}.log")
    endpoints = Endpoints(folder, stack)
    supervisor = Supervisor(parts, stack.steps(), _say, lambda: endpoints.record(supervisor.standings))
    _stop_on_signals(supervisor)
    _say(f"Millrace starts {len(parts)} processes; logs are in {_short(folder.logs)}")
    for line in stack.displaced:
        _say(line)
    if stack.is_kafka_new:
        _say("the first start fetches Kafka from Maven Central (46 MB), unless it is cached on this machine")
    began = time.monotonic()
    try:
        await supervisor.start()
        if not supervisor.stopping.is_set():
            _say(endpoints.welcome(time.monotonic() - began, down))
            # Only now: who follows a detached start reads on until it is there.
            endpoints.publish(supervisor.standings)
            housekeeping = asyncio.create_task(_keep_house(supervisor, [part.name for part in parts], folder))
            with _next_start_made_quicker(brought, folder):
                await supervisor.watch()
            await housekeeping
        return 0
    except StartFailed as error:
        _say(f"\nmillrace could not start: {error}")
        return FAILED
    finally:
        endpoints.withdraw()
        await _stop(supervisor, folder)


async def _stop(supervisor: Supervisor, folder: RunFolder) -> None:
    _say("stopping …")
    began = time.monotonic()
    await supervisor.stop()
    _say(f"stopped in {time.monotonic() - began:.1f} s; the data stays in {_short(folder.path)}")


def _next_start_made_quicker(
    brought: outside.Outside, folder: RunFolder
) -> contextlib.AbstractContextManager[None]:
    ours = brought.kafka is None
    return kafka_classes.made_aside(folder.logs / "kafka-classes.log") if ours else contextlib.nullcontext()


def _stop_on_signals(supervisor: Supervisor) -> None:
    """The first signal stops in order, the second at once: the kernel then ends what we started."""

    def stop() -> None:
        if supervisor.stopping.is_set():
            os._exit(INTERRUPTED)
        supervisor.stopping.set()

    for each in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(each, stop)


async def _keep_house(supervisor: Supervisor, names: list[str], folder: RunFolder) -> None:
    """Bound the logs; stop when the folder has been deleted, for nobody could stop us through it any more."""
    while not supervisor.stopping.is_set():
        if folder.is_deleted():
            _say(f"{folder.path} is gone")
            supervisor.stopping.set()
        for name in names:
            processes.bound(folder.logs / f"{name}.log")
        waiting = asyncio.ensure_future(supervisor.stopping.wait())
        await asyncio.wait([waiting], timeout=HOUSEKEEPING_EVERY_S)
        waiting.cancel()


def _follow(log: Path, supervisor: "subprocess.Popen[bytes]", folder: RunFolder) -> int:
    """Show what the supervisor says until it is ready or gone."""
    with log.open() as said:
        is_over: Callable[[], bool] = lambda: supervisor.poll() is not None or folder.endpoints.exists()  # noqa: E731
        while not processes.wait_until(is_over, timeout_s=0.2):
            _say(said.read(), end="")
        _say(said.read(), end="")
    return 0 if supervisor.poll() is None else FAILED


def _short(path: Path) -> str:
    """The path as a person standing here would write it."""
    return os.path.relpath(path)


def _say(line: str, end: str = "\n") -> None:
    """Tell the person, if still there: a closed terminal or pipe must not keep us from stopping in order."""
    with contextlib.suppress(OSError):
        print(line, end=end, flush=True)
