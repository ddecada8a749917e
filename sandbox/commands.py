"""`millrace up`, `down` and `status`: their arguments; and how the other commands find what `up` started.

Like `streams.operator.commands`, it loads what a command needs when it runs: `millrace status` must stay quick.
"""

import argparse
import logging
import os
import shlex
import shutil
import sys
from pathlib import Path

from streams.operator.commands import Command, json_argument, run_dir_argument

_HOME = Path(__file__).resolve().parent.parent
RUN_DIR = (Path.cwd() if "site-packages" in _HOME.parts else _HOME) / ".run"
PUBLISHED = {
    "kafka": "MILLRACE_KAFKA_BOOTSTRAP",
    "postgres": "MILLRACE_POSTGRES_DSN",
    "redis": "MILLRACE_REDIS_URL",
    "stripe": "MILLRACE_STRIPE_API_BASE",
}


def typed(*arguments: object) -> str:
    """This command line as the person who stands here can type it: by its bare name where the shell finds this very one."""
    script = str(Path(sys.executable).with_name("millrace"))
    name = "millrace" if shutil.which("millrace") == script else min(script, os.path.relpath(script), key=len)
    return shlex.join([name, *map(str, arguments)])


def use_running_stack(run_dir: Path | None) -> None:
    """The addresses that `up` published, where the environment does not name others."""
    from sandbox.outside import SIMULATOR_KEY, STRIPE_API
    from sandbox.run_folder import RunFolder
    from sandbox.stack import WEBHOOK_ALLOW

    for name in ("aiokafka", "millrace"):  # what went wrong is said once, by `main`
        logging.getLogger(name).setLevel(logging.CRITICAL)
    folder = RunFolder(run_dir or RUN_DIR)
    published = folder.read(folder.endpoints) if folder.holder() else None
    if run_dir and published is None:
        sys.exit(
            f"millrace: nothing runs in {run_dir}; `{typed('up', '--run-dir', run_dir)}` starts a system there"
        )
    for name, variable in PUBLISHED.items():
        if published and name in published:
            os.environ.setdefault(variable, published[name])
    if published:  # endpoints of webhooks are made with the key that the running system reads them with
        made_up = folder.read(folder.secrets) or {}
        os.environ.setdefault("MILLRACE_WEBHOOK_KEYS", made_up.get("webhook_sealing_key", ""))
        os.environ.setdefault("MILLRACE_WEBHOOK_ALLOW", WEBHOOK_ALLOW)
    if published and published["stripe"] != STRIPE_API:
        os.environ.setdefault(
            "MILLRACE_STRIPE_API_KEY", SIMULATOR_KEY
        )  # no secret; a real one is the person's


def _run_dir(command: argparse.ArgumentParser) -> None:
    run_dir_argument(command, RUN_DIR)


def _up_arguments(up: argparse.ArgumentParser) -> None:
    _run_dir(up)
    up.add_argument(
        "--detach", action="store_true", help="return once everything is ready and leave it running"
    )
    up.add_argument(
        "--servers-only", action="store_true", help="only Kafka, PostgreSQL, Redis and the Stripe simulator"
    )
    up.add_argument("--down", help=argparse.SUPPRESS)  # tells a detached one what its user types to stop it


def _up(given: argparse.Namespace) -> int:
    from sandbox import up
    from sandbox.run_folder import RunFolder

    where = [] if given.run_dir == RUN_DIR else ["--run-dir", given.run_dir]
    start = up.detach if given.detach else up.run
    return start(RunFolder(given.run_dir), given.down or typed("down", *where), given.servers_only)


def _down(given: argparse.Namespace) -> int:
    from sandbox import control
    from sandbox.run_folder import RunFolder

    return control.down(RunFolder(given.run_dir))


def _status_arguments(status: argparse.ArgumentParser) -> None:
    _run_dir(status)
    json_argument(status)


def _status(given: argparse.Namespace) -> int:
    from sandbox import control
    from sandbox.run_folder import RunFolder

    return control.status(RunFolder(given.run_dir), given.json)


UP = Command("Start the whole system on this machine.", _up_arguments, _up, asks_running=False)
DOWN = Command("Stop what `up` started; the data stays.", _run_dir, _down, asks_running=False)
STATUS = Command(
    "Show every process: state, restarts, memory, address.", _status_arguments, _status, asks_running=False
)
