"""`millrace settings`: its arguments. What it shows is `streams.operator.settings`' business."""

import argparse

from streams.operator.commands import Command, json_argument


def run(given: argparse.Namespace) -> int:
    from streams.operator import settings

    settings.list_all(given.json)
    return 0


SETTINGS = Command(
    "List every setting: variable, type, default, meaning.", json_argument, run, asks_running=False
)
