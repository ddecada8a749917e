"""`millrace payments`: its arguments. What it shows is `streams.operator.showing`'s business, what it
settles `streams.operator.resolving`'s."""

import argparse

from streams.operator.commands import Command, action


def arguments(payments: argparse.ArgumentParser) -> None:
    actions = payments.add_subparsers(dest="action", required=True, metavar="ACTION")
    shown = action(
        actions, "show", "the whole story of one: what happened, when, by whom, with which requests"
    )
    shown.add_argument("payment", help="pay_…")
    resolve = action(
        actions, "resolve", "settle one that is unknown, or in manual_review, by what you have seen"
    )
    resolve.add_argument("payment", help="pay_…")
    resolve.add_argument(
        "--as",
        dest="resolution",
        required=True,
        help="what Stripe shows: captured, authorized, canceled or declined; of a refund: succeeded, failed or canceled. "
        "That something was never made is taken only when it can no longer be made: 23 hours after it was asked for",
    )
    resolve.add_argument("--evidence", required=True, help="what you have seen, and where; kept for ever")
    resolve.add_argument("--operator", required=True, help="who you are; kept for ever")
    resolve.add_argument("--refund", help="the refund it is about, re_…")
    resolve.add_argument(
        "--amount", type=int, help="captured or authorised in all, minor units; default: all"
    )
    resolve.add_argument(
        "--payment-intent", help="Stripe's pi_…, where it is not known here: it is looked at"
    )


def run(given: argparse.Namespace) -> int:
    if given.action == "show":
        from streams.operator.showing import show_one

        show_one(given.payment, given.json)
        return 0
    from streams.operator.resolving import Finding, resolve

    found = {name: getattr(given, name) for name in Finding.__slots__}
    resolve(given.payment, Finding(**found), given.json)
    return 0


PAYMENTS = Command("Show a payment's story; settle what no machine could know.", arguments, run)
