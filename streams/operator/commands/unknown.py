"""`millrace unknown`: its arguments. What it shows is `streams.operator.unknown`'s business."""

import argparse

from streams.operator.commands import Command, running_arguments, whole_number

LISTED_MAX = 10_000  # on one screen or in one script's memory


def arguments(unknown: argparse.ArgumentParser) -> None:
    running_arguments(unknown)
    unknown.add_argument("--most", type=whole_number(LISTED_MAX), default=50, help="how many, oldest first")


def run(given: argparse.Namespace) -> int:
    from streams.operator import unknown

    unknown.list_oldest(given.most, given.json)
    return 0


UNKNOWN = Command("List what nobody knows the end of.", arguments, run)
