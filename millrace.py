"""The operator's command line, `millrace …`: reads arguments and hands over; what a command does lives with
its subject.

To add a command, write a function that gets the parsed arguments and returns an exit code, importing what it
needs *inside* itself (`millrace status` must not load Kafka clients), a function that adds its arguments, and
one line in COMMANDS.
"""

import argparse
import logging
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

USAGE_ERROR = 2  # argparse's own
RUN_DIR = Path(__file__).resolve().parent / ".run"
DEAD_LETTERS_MAX = 10_000  # on one screen or in one script's memory
PUBLISHED = {
    "kafka": "MILLRACE_KAFKA_BOOTSTRAP",
    "postgres": "MILLRACE_POSTGRES_DSN",
    "redis": "MILLRACE_REDIS_URL",
    "stripe": "MILLRACE_STRIPE_API_BASE",
}
EXPECTED = (
    "Unavailable",
    "SettingsRefused",
    "NotFound",
    "Refused",
)  # said in a line; by name, so that nothing need be loaded to say it


@dataclass(frozen=True)
class Command:
    """One subcommand: what `--help` says, its arguments, and what runs."""

    help: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


class Parser(argparse.ArgumentParser):
    """Who types something wrong, or too little, is shown what there is to choose from."""

    def error(self, message: str) -> NoReturn:
        self.print_help(sys.stderr)
        self.exit(USAGE_ERROR, f"\n{self.prog}: {message}\n")


class Version(argparse.Action):
    """Looked up only when asked for: the look takes longer than most commands."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        print(f"millrace {version('millrace')}")
        parser.exit()


def main() -> None:
    """The console script."""
    arguments = parser().parse_args()
    try:
        code = COMMANDS[arguments.command].run(arguments)
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:  # `millrace status | head`
        code = 0
    except Exception as failed:
        if type(failed).__name__ not in EXPECTED:
            raise
        print(f"millrace {arguments.command}: {failed}{_remedy(failed)}", file=sys.stderr)
        code = 1
    sys.exit(code)


def parser() -> argparse.ArgumentParser:
    """All commands with their help."""
    top = Parser(prog="millrace", description="Operate Millrace.")
    top.add_argument("--version", action=Version, nargs=0, help="show Millrace's version and exit")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        command.arguments(commands.add_parser(name, help=command.help, description=command.help))
    return top


def _remedy(failed: Exception) -> str:
    if type(failed).__name__ != "Unavailable":
        return ""
    return f"; `{_typed('up')}` starts a system on this machine, MILLRACE_* variables name one elsewhere"


def _typed(*arguments: object) -> str:
    """This command line as the person who stands here can type it: by its bare name where the shell finds this very one."""
    script = str(Path(sys.executable).with_name("millrace"))
    name = "millrace" if shutil.which("millrace") == script else min(script, os.path.relpath(script), key=len)
    return shlex.join([name, *map(str, arguments)])


def _up_arguments(up: argparse.ArgumentParser) -> None:
    _run_dir_argument(up)
    up.add_argument(
        "--detach", action="store_true", help="return once everything is ready and leave it running"
    )
    up.add_argument(
        "--servers-only", action="store_true", help="only Kafka, PostgreSQL, Redis and the Stripe simulator"
    )
    up.add_argument("--down", help=argparse.SUPPRESS)  # tells a detached one what its user types to stop it


def _up(arguments: argparse.Namespace) -> int:
    from sandbox import up
    from sandbox.run_folder import RunFolder

    where = [] if arguments.run_dir == RUN_DIR else ["--run-dir", arguments.run_dir]
    start = up.detach if arguments.detach else up.run
    return start(
        RunFolder(arguments.run_dir), arguments.down or _typed("down", *where), arguments.servers_only
    )


def _down(arguments: argparse.Namespace) -> int:
    from sandbox import control
    from sandbox.run_folder import RunFolder

    return control.down(RunFolder(arguments.run_dir))


def _status_arguments(status: argparse.ArgumentParser) -> None:
    _run_dir_argument(status)
    status.add_argument("--json", action="store_true", help="for scripts")


def _status(arguments: argparse.Namespace) -> int:
    from sandbox import control
    from sandbox.run_folder import RunFolder

    return control.status(RunFolder(arguments.run_dir), arguments.json)


def _run_dir_argument(command: argparse.ArgumentParser, default: Path | None = RUN_DIR) -> None:
    command.add_argument(
        "--run-dir", type=_folder, default=default, help="where data, logs and endpoints.json are kept"
    )


def _folder(text: str) -> Path:
    path = Path(text)
    if not text:
        raise argparse.ArgumentTypeError("needs the name of a folder")
    there = next(each for each in (path, *path.absolute().parents) if each.exists())
    if not there.is_dir():
        raise argparse.ArgumentTypeError(f"{there} is no folder")
    return path


def _json_argument(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="for scripts")


def _running_arguments(command: argparse.ArgumentParser) -> None:
    """For what looks at a running system: the one of this checkout, unless MILLRACE_* variables name another."""
    _json_argument(command)
    _run_dir_argument(command, default=None)


def _use_running_stack(run_dir: Path | None) -> None:
    """The addresses that `up` published, where the environment does not name others."""
    from sandbox.run_folder import RunFolder

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what went wrong is said once, by `main`
    folder = RunFolder(run_dir or RUN_DIR)
    published = folder.read(folder.endpoints) if folder.holder() else None
    if run_dir and published is None:
        sys.exit(
            f"millrace: nothing runs in {run_dir}; `{_typed('up', '--run-dir', run_dir)}` starts a system there"
        )
    for name, variable in PUBLISHED.items():
        if published and name in published:
            os.environ.setdefault(variable, published[name])


def _topics_arguments(topics: argparse.ArgumentParser) -> None:
    _running_arguments(topics)
    topics.add_argument("action", nargs="?", choices=("list", "create"), default="list")


def _topics(arguments: argparse.Namespace) -> int:
    _use_running_stack(arguments.run_dir)
    from streams.operator import topics

    if arguments.action == "create":
        topics.create(arguments.json)
    else:
        topics.list_all(arguments.json)
    return 0


def _settings(arguments: argparse.Namespace) -> int:
    from streams.operator import settings

    settings.list_all(arguments.json)
    return 0


def _dead_letters_arguments(dead_letters: argparse.ArgumentParser) -> None:
    _running_arguments(dead_letters)
    dead_letters.add_argument("--most", type=_how_many, default=50, help="how many, newest first")


def _how_many(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= DEAD_LETTERS_MAX:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {DEAD_LETTERS_MAX}, not {text!r}")
    return int(text)


def _dead_letters(arguments: argparse.Namespace) -> int:
    _use_running_stack(arguments.run_dir)
    from streams.operator import dead_letters

    dead_letters.list_newest(arguments.most, arguments.json)
    return 0


def _merchants_arguments(merchants: argparse.ArgumentParser) -> None:
    actions = merchants.add_subparsers(dest="action", required=True, metavar="ACTION")
    _action(actions, "list", "all merchants")
    create = _action(actions, "create", "a new merchant, with no key yet")
    create.add_argument("name", type=_name, help="what people call it")


def _name(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise argparse.ArgumentTypeError("must be text that people can read")
    return text


def _action(actions: Any, name: str, help: str) -> argparse.ArgumentParser:
    """One action of a command about the running system."""
    action: argparse.ArgumentParser = actions.add_parser(name, help=help, description=help)
    _running_arguments(action)
    return action


def _merchants(arguments: argparse.Namespace) -> int:
    _use_running_stack(arguments.run_dir)
    from streams.operator import merchants

    if arguments.action == "create":
        merchants.create(arguments.name, arguments.json)
    else:
        merchants.list_all(arguments.json)
    return 0


def _keys_arguments(keys: argparse.ArgumentParser) -> None:
    actions = keys.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = _action(actions, "list", "all keys, revoked ones too")
    listed.add_argument("merchant", nargs="?", help="only this one's, mer_…")
    create = _action(actions, "create", "a new key: it is shown once, and kept only as a hash")
    create.add_argument("merchant", help="whose it is, mer_…")
    create.add_argument("--live", action="store_true", help="for real money: only a live system takes it")
    create.add_argument("--scope", action="append", default=[], help="may be repeated; default: all of them")
    revoke = _action(actions, "revoke", "no process takes it any more within five seconds")
    revoke.add_argument("prefix", help="the key's first characters, as `list` shows them")


def _keys(arguments: argparse.Namespace) -> int:
    _use_running_stack(arguments.run_dir)
    from streams.operator import merchants

    if arguments.action == "create":
        merchants.create_key(arguments.merchant, arguments.live, arguments.scope, arguments.json)
    elif arguments.action == "revoke":
        merchants.revoke_key(arguments.prefix, arguments.json)
    else:
        merchants.list_keys(arguments.merchant, arguments.json)
    return 0


def _unknown_arguments(unknown: argparse.ArgumentParser) -> None:
    _running_arguments(unknown)
    unknown.add_argument("--most", type=_how_many, default=50, help="how many, oldest first")


def _unknown(arguments: argparse.Namespace) -> int:
    _use_running_stack(arguments.run_dir)
    from streams.operator import unknown

    unknown.list_oldest(arguments.most, arguments.json)
    return 0


def _payments_arguments(payments: argparse.ArgumentParser) -> None:
    actions = payments.add_subparsers(dest="action", required=True, metavar="ACTION")
    resolve = _action(
        actions, "resolve", "settle one that is unknown, or in manual_review, by what you have seen"
    )
    resolve.add_argument("payment", help="pay_…")
    resolve.add_argument(
        "--as",
        dest="resolution",
        required=True,
        help="what Stripe shows: captured, authorized, canceled or declined; of a refund: succeeded, failed or canceled",
    )
    resolve.add_argument("--evidence", required=True, help="what you have seen, and where; kept for ever")
    resolve.add_argument("--operator", required=True, help="who you are; kept for ever")
    resolve.add_argument("--refund", help="the refund it is about, re_…")
    resolve.add_argument(
        "--amount", type=int, help="captured or authorised in all, minor units; default: all"
    )
    resolve.add_argument(
        "--payment-intent", help="Stripe's pi_…, where it is not known here: it is looked at"
    )


def _payments(arguments: argparse.Namespace) -> int:
    _use_running_stack(arguments.run_dir)
    from streams.operator.resolving import Finding, resolve

    given = {name: getattr(arguments, name) for name in Finding.__slots__}
    resolve(arguments.payment, Finding(**given), arguments.json)
    return 0


def _policies_arguments(policies: argparse.ArgumentParser) -> None:
    actions = policies.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, help in (
        ("show", "what a merchant's payments must keep to"),
        ("set", "say it anew, as a whole; it holds within seconds"),
        ("drop", "take it back: what holds for all is left"),
    ):
        action = _action(actions, name, help)
        action.add_argument("merchant", help="whose, mer_…")
        if name == "set":
            action.add_argument("file", type=Path, help="JSON; docs/policies.md lists its members")


def _policies(arguments: argparse.Namespace) -> int:
    _use_running_stack(arguments.run_dir)
    from streams.operator import policies

    if arguments.action == "set":
        policies.set_one(arguments.merchant, arguments.file, arguments.json)
    elif arguments.action == "drop":
        policies.drop(arguments.merchant, arguments.json)
    else:
        policies.show_one(arguments.merchant, arguments.json)
    return 0


COMMANDS: dict[str, Command] = {
    "up": Command("Start the whole system on this machine.", _up_arguments, _up),
    "down": Command("Stop what `up` started; the data stays.", _run_dir_argument, _down),
    "status": Command("Show every process: state, restarts, memory, address.", _status_arguments, _status),
    "topics": Command("List the topics, or create what is missing.", _topics_arguments, _topics),
    "merchants": Command("List merchants, or make one.", _merchants_arguments, _merchants),
    "keys": Command("List, make or revoke merchants' API keys.", _keys_arguments, _keys),
    "unknown": Command("List what nobody knows the end of.", _unknown_arguments, _unknown),
    "payments": Command("Settle what no machine could know.", _payments_arguments, _payments),
    "policies": Command(
        "Show or set what a merchant's payments must keep to.", _policies_arguments, _policies
    ),
    "dead-letters": Command("List what could not be handled.", _dead_letters_arguments, _dead_letters),
    "settings": Command("List every setting: variable, type, default, meaning.", _json_argument, _settings),
}

if __name__ == "__main__":
    main()
