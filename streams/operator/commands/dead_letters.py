"""`millrace dead-letters`: its arguments. What it does is `streams.operator.dead_letters`' business."""

import argparse

from streams.operator.commands import Command, action, readable, running_arguments, whole_number

LETTERS_MAX = 10_000  # on one screen or in one script's memory


def arguments(dead_letters: argparse.ArgumentParser) -> None:
    """Without an action it lists."""
    running_arguments(dead_letters)
    _list_arguments(dead_letters, most=50, all=False)
    actions = dead_letters.add_subparsers(dest="action", required=False, metavar="ACTION")
    # What stands before the action was said too: no default of the action's may undo it.
    listed = action(actions, "list", "the newest open ones (the default)", argparse.SUPPRESS)
    _list_arguments(listed, most=argparse.SUPPRESS, all=argparse.SUPPRESS)
    for name, help in (
        ("show", "one of them whole: headers, why it lies there, the original bytes"),
        ("redrive", "put the original back on the commands: the same command, as old as it was"),
        ("drop", "mark it as done with"),
    ):
        added = action(actions, name, help, argparse.SUPPRESS)
        added.add_argument("letter", help="partition/offset, as `list` shows it")
        if name != "show":
            added.add_argument("--operator", type=readable, required=True, help="who you are; kept for ever")
            added.add_argument("--reason", type=readable, required=True, help="why; kept for ever")


def _list_arguments(command: argparse.ArgumentParser, most: object, all: object) -> None:
    command.add_argument(
        "--most", type=whole_number(LETTERS_MAX), default=most, help="how many, newest first"
    )
    command.add_argument("--all", action="store_true", default=all, help="settled ones too, and how")


def run(given: argparse.Namespace) -> int:
    from streams.operator.dead_letters import audit, listing, settling

    match given.action:
        case "show":
            listing.show_one(given.letter, given.json)
        case "redrive":
            settling.settle(given.letter, audit.REDRIVEN, given.operator, given.reason, given.json)
        case "drop":
            settling.settle(given.letter, audit.DROPPED, given.operator, given.reason, given.json)
        case _:
            listing.list_newest(given.most, given.all, given.json)
    return 0


DEAD_LETTERS = Command("List and settle what could not be handled.", arguments, run)
