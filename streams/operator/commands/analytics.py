"""`millrace analytics`: its arguments. What it does is `streams.operator.analytics`' business."""

import argparse

from streams.operator.commands import Command, action


def arguments(analytics: argparse.ArgumentParser) -> None:
    actions = analytics.add_subparsers(dest="action", required=True, metavar="ACTION")
    action(actions, "rebuild", "Make facts and sums anew from the event log, while everything goes on.")


def run(given: argparse.Namespace) -> int:
    from streams.operator import analytics

    return analytics.run(given.json)


ANALYTICS = Command("Rebuild what analytics keeps from the event log.", arguments, run)
