"""`millrace replay`: its arguments. What it does is `streams.operator.replay`'s business."""

import argparse

from streams.operator.commands import Command, running_arguments


def arguments(replay: argparse.ArgumentParser) -> None:
    running_arguments(replay)
    replay.add_argument("--dry-run", action="store_true", help="rebuild and count, and switch nothing")


def run(given: argparse.Namespace) -> int:
    from streams.operator import replaying

    return replaying.run(given.dry_run, given.json)


REPLAY = Command(
    "Rebuild PostgreSQL's tables and the cache from the event log, and switch to them, while everything serves. "
    "Exit code 0: switched, and nothing differs from the log.",
    arguments,
    run,
)
