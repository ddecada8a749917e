"""`millrace merchants`: its arguments. What it shows and makes is `streams.operator.merchants`' business."""

import argparse

from streams.operator.commands import Command, action, actor, operator_argument, readable


def arguments(merchants: argparse.ArgumentParser) -> None:
    actions = merchants.add_subparsers(dest="action", required=True, metavar="ACTION")
    action(actions, "list", "all merchants")
    create = action(actions, "create", "a new merchant, with no key yet")
    create.add_argument("name", type=readable, help="what people call it")
    operator_argument(create)


def run(given: argparse.Namespace) -> int:
    from streams.operator import merchants

    if given.action == "create":
        merchants.create(given.name, actor(given), given.json)
    else:
        merchants.list_all(given.json)
    return 0


MERCHANTS = Command("List merchants, or make one.", arguments, run)
