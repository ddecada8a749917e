"""`millrace dead-letters`: its arguments. What it shows is `streams.operator.dead_letters`' business."""

import argparse

from streams.operator.commands import Command, running_arguments, whole_number

LETTERS_MAX = 10_000  # on one screen or in one script's memory


def arguments(dead_letters: argparse.ArgumentParser) -> None:
    running_arguments(dead_letters)
    dead_letters.add_argument(
        "--most", type=whole_number(LETTERS_MAX), default=50, help="how many, newest first"
    )


def run(given: argparse.Namespace) -> int:
    from streams.operator import dead_letters

    dead_letters.list_newest(given.most, given.json)
    return 0


DEAD_LETTERS = Command("List what could not be handled.", arguments, run)
