"""`millrace reconcile`: its arguments. What it compares is `streams.reconciling`'s business."""

import argparse

from streams.operator.commands import Command, moment, running_arguments, whole_number

READS_MAX_PER_S = 100
"""Source: Stripe, rate limits: requests per second of an account in live mode."""


def arguments(reconcile: argparse.ArgumentParser) -> None:
    reconcile.epilog = (
        "Field by field, while everything serves: what moves is looked at again, and only what differs to the end counts. "
        "Each difference is told on payments.differences.v1, too. Exit code 0: they agree; 1: they differ; "
        "2: it could not be done. See docs/operating.md."
    )
    running_arguments(reconcile)
    reconcile.add_argument("--no-stripe", action="store_true", help="leave Stripe out: nothing is read there")
    reconcile.add_argument(
        "--stripe-reads",
        type=whole_number(READS_MAX_PER_S),
        default=10,
        metavar="N",
        help="at most so many reads of Stripe's per second, of a hundred intents each (default: 10); they count against "
        "the account's limits",
    )
    reconcile.add_argument(
        "--since", type=moment, help="only payments made since then: 2026-01-31, or 2026-01-31T12:00:00Z"
    )
    reconcile.add_argument("--merchant", help="only this one's payments, mer_…")


def run(given: argparse.Namespace) -> int:
    from streams.operator.reconcile import Wanted, reconcile
    from streams.reconciling.reconciler import Scope

    scope = Scope(given.since, given.merchant)
    return reconcile(Wanted(not given.no_stripe, given.stripe_reads, scope, given.json))


RECONCILE = Command("Compare the log, the table, PostgreSQL and Stripe.", arguments, run)
