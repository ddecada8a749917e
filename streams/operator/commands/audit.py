"""`millrace audit`: its arguments. What it lists is `streams.operator.audit`'s business."""

import argparse

from streams.operator.commands import Command, moment, running_arguments, whole_number

LISTED_MAX = 10_000  # on one screen or in one script's memory


def arguments(audit: argparse.ArgumentParser) -> None:
    running_arguments(audit)
    audit.add_argument(
        "subject",
        nargs="?",
        help="only what was done to this one: a merchant (its keys too), a key's prefix, a dead letter",
    )
    audit.add_argument(
        "--since", type=moment, metavar="TIME", help="from this time on, e.g. 2026-01-31T12:00Z"
    )
    audit.add_argument("--until", type=moment, metavar="TIME", help="before this time")
    audit.add_argument("--most", type=whole_number(LISTED_MAX), default=50, help="how many, the newest")


def run(given: argparse.Namespace) -> int:
    from streams.operator import audit

    audit.list_newest(audit.Wanted(given.subject, given.since, given.until, given.most), given.json)
    return 0


AUDIT = Command("List what operators did: to merchants and keys, policies and dead letters.", arguments, run)
