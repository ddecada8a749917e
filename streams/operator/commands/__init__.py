"""What can be typed after `millrace`: one file per command, with its arguments, and what runs. What a command does lives
with its subject, and is imported when it runs: nothing here loads a client of Kafka or PostgreSQL.

To add one, write a file like the others and a line in `millrace.COMMANDS`.
"""

import argparse
import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Command:
    """One subcommand: what `--help` says, its arguments, and what runs and gives the exit code.

    `asks_running`: it is about a running system, whose addresses it finds in its settings when it runs.
    """

    help: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    asks_running: bool = True


def json_argument(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="for scripts")


def run_dir_argument(command: argparse.ArgumentParser, default: Path | str | None) -> None:
    command.add_argument(
        "--run-dir", type=_folder, default=default, help="where data, logs and endpoints.json are kept"
    )


def running_arguments(command: argparse.ArgumentParser) -> None:
    """For what looks at a running system: the one of this checkout, unless MILLRACE_* variables name another."""
    json_argument(command)
    run_dir_argument(command, default=command.argument_default)


def action(actions: Any, name: str, help: str, default: str | None = None) -> argparse.ArgumentParser:
    """One action of a command about the running system. `default`: of what is not said, where it has none of its own."""
    added: argparse.ArgumentParser = actions.add_parser(
        name, help=help, description=help, argument_default=default
    )
    running_arguments(added)
    return added


def operator_argument(command: argparse.ArgumentParser) -> None:
    """For what is kept in the audit."""
    command.add_argument(
        "--operator", type=readable, help="who you are, kept for ever; default: the name you are logged in by"
    )


def actor(given: argparse.Namespace) -> str:
    """Who is acting, of a command with an `operator_argument`."""
    return given.operator or login()


def login() -> str:
    """The name of the user that runs this, or a number where it has none."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid {number}"


def whole_number(most: int) -> Callable[[str], int]:
    """The type of an argument from 1 to `most`."""

    def read(text: str) -> int:
        if not (text.isdecimal() and text.isascii()) or not 1 <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {most}, not {text!r}")
        return int(text)

    return read


def readable(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise argparse.ArgumentTypeError("must be text that people can read")
    return text


def moment(text: str) -> datetime:
    """In UTC where it does not say."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a day or a time in ISO 8601, not {text!r}") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _folder(text: str) -> Path:
    path = Path(text)
    if not text:
        raise argparse.ArgumentTypeError("needs the name of a folder")
    there = next(each for each in (path, *path.absolute().parents) if each.exists())
    if not there.is_dir():
        raise argparse.ArgumentTypeError(f"{there} is no folder")
    return path
