"""`millrace topics`: its arguments. What it shows and creates is `streams.operator.topics`' business."""

import argparse

from streams.operator.commands import Command, running_arguments


def arguments(topics: argparse.ArgumentParser) -> None:
    running_arguments(topics)
    topics.add_argument("action", nargs="?", choices=("list", "create"), default="list")


def run(given: argparse.Namespace) -> int:
    from streams.operator import topics

    if given.action == "create":
        topics.create(given.json)
    else:
        topics.list_all(given.json)
    return 0


TOPICS = Command("List the topics, or create what is missing.", arguments, run)
