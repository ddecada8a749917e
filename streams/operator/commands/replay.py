"""`millrace replay`: its arguments. What it does is `streams.operator.replay`'s business."""

import argparse

from streams.operator.commands import Command, running_arguments


def arguments(replay: argparse.ArgumentParser) -> None:
    replay.epilog = (
        "Into fresh tables, which then become the live ones while everything serves; what differed is told. Killed at any "
        "point it leaves the old tables or the new ones. Exit code 0: switched, and nothing differs from the log; 1: it does, "
        "or nothing was switched. See docs/operating.md."
    )
    running_arguments(replay)
    replay.add_argument("--dry-run", action="store_true", help="rebuild and count, and switch nothing")


def run(given: argparse.Namespace) -> int:
    from streams.operator import replay_report

    return replay_report.run(given.dry_run, given.json)


REPLAY = Command("Rebuild PostgreSQL and the cache from the event log.", arguments, run)
