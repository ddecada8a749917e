"""`millrace mails`: its arguments. What it shows and sends again is `streams.operator.mails`' business."""

import argparse

from models.mailing import MailStatus
from streams.operator.commands import Command, action, actor, operator_argument, whole_number

LISTED_MAX = 10_000  # on one screen or in one script's memory


def arguments(mails: argparse.ArgumentParser) -> None:
    actions = mails.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = action(actions, "list", "receipts and alerts, the newest first")
    listed.add_argument("--status", choices=[status.value for status in MailStatus], help="only these")
    listed.add_argument("--about", help="only of this payment, pay_…, or dead letter")
    listed.add_argument("--most", type=whole_number(LISTED_MAX), default=50, help="how many, newest first")
    action(actions, "show", "one of them whole").add_argument("mail", help="which, mail_…")
    resend = action(actions, "resend", "send one again, under the same Message-ID; also one that bounced")
    resend.add_argument("mail", help="which, mail_…")
    operator_argument(resend)


def run(given: argparse.Namespace) -> int:
    from streams.operator import mails

    if given.action == "show":
        mails.show_one(given.mail, given.json)
    elif given.action == "resend":
        mails.resend(given.mail, actor(given), given.json)
    else:
        mails.list_newest(given.status, given.about, given.most, given.json)
    return 0


MAILS = Command("List receipts and alerts, or send one again.", arguments, run)
