"""The operator's command line, `millrace …`: reads arguments, hands over, and says in a line what went wrong.

What a command takes lives in its file below `streams.operator.commands`, or in `sandbox.commands` for those that start
and stop things here; COMMANDS lists them all.
"""

import argparse
import os
import signal
import sys
from typing import NoReturn

from sandbox.commands import DOWN, STATUS, UP, typed, use_running_stack
from streams.operator.commands import Command
from streams.operator.commands.analytics import ANALYTICS
from streams.operator.commands.audit import AUDIT
from streams.operator.commands.dead_letters import DEAD_LETTERS
from streams.operator.commands.export import EXPORT
from streams.operator.commands.keys import KEYS
from streams.operator.commands.mails import MAILS
from streams.operator.commands.merchants import MERCHANTS
from streams.operator.commands.payments import PAYMENTS
from streams.operator.commands.policies import POLICIES
from streams.operator.commands.reconcile import RECONCILE
from streams.operator.commands.replay import REPLAY
from streams.operator.commands.settings import SETTINGS
from streams.operator.commands.topics import TOPICS
from streams.operator.commands.unknown import UNKNOWN
from streams.operator.commands.webhooks import WEBHOOKS

COMMANDS: dict[str, Command] = {
    "up": UP,
    "down": DOWN,
    "status": STATUS,
    "topics": TOPICS,
    "merchants": MERCHANTS,
    "keys": KEYS,
    "webhooks": WEBHOOKS,
    "audit": AUDIT,
    "unknown": UNKNOWN,
    "payments": PAYMENTS,
    "policies": POLICIES,
    "dead-letters": DEAD_LETTERS,
    "mails": MAILS,
    "reconcile": RECONCILE,
    "replay": REPLAY,
    "analytics": ANALYTICS,
    "export": EXPORT,
    "settings": SETTINGS,
}

USAGE_ERROR = 2  # argparse's own
UNHEARD = 128 + signal.SIGPIPE  # what a shell says of a program that ends by that signal
EXPECTED = (
    "Unavailable",
    "SettingsRefused",
    "NotFound",
    "Refused",
)  # said in a line; by name, so that nothing need be loaded to say it


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
    code: int | str | None
    try:
        code = _run(parser().parse_args())
    except SystemExit as asked:  # `--help`, or a mistake in typing
        code = asked.code
    except BrokenPipeError:  # `millrace reconcile | head`: whatever it came to, it could not say so
        code = UNHEARD
    _let_go_of_output()
    sys.exit(code)


def _let_go_of_output() -> None:
    """What nobody reads any more goes nowhere; left to the end of the interpreter, it would be complained about."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: argparse.Namespace) -> int:
    command = COMMANDS[arguments.command]
    try:
        if command.asks_running:
            use_running_stack(arguments.run_dir)
        return command.run(arguments)
    except KeyboardInterrupt:
        return 130
    except Exception as failed:
        if type(failed).__name__ not in EXPECTED:
            raise
        print(f"millrace {arguments.command}: {failed}{_remedy(failed)}", file=sys.stderr)
        return 1


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
    return f"; `{typed('up')}` starts a system on this machine, MILLRACE_* variables name one elsewhere"


if __name__ == "__main__":
    main()
