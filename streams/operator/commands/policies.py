"""`millrace policies`: its arguments. What it shows and says is `streams.operator.policies`' business."""

import argparse
from pathlib import Path

from streams.operator.commands import Command, action, actor, operator_argument


def arguments(policies: argparse.ArgumentParser) -> None:
    actions = policies.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, help in (
        ("show", "what a merchant's payments must keep to"),
        ("set", "say it anew, as a whole; it holds within seconds"),
        ("drop", "take it back: what holds for all is left"),
    ):
        added = action(actions, name, help)
        added.add_argument("merchant", help="whose, mer_…")
        if name == "set":
            added.add_argument("file", type=Path, help="JSON; docs/policies.md lists its members")
        if name != "show":
            operator_argument(added)


def run(given: argparse.Namespace) -> int:
    from streams.operator import policies

    if given.action == "set":
        policies.set_one(given.merchant, given.file, actor(given), given.json)
    elif given.action == "drop":
        policies.drop(given.merchant, actor(given), given.json)
    else:
        policies.show_one(given.merchant, given.json)
    return 0


POLICIES = Command("Show or set what a merchant's payments must keep to.", arguments, run)
