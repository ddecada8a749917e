"""`millrace mails`: what was written to customers and operators, what became of it, and one of them sent again."""

from dataclasses import asdict

from streams.adapters.postgres import mail_records
from streams.adapters.postgres.mail_records import MailRecord
from streams.operator import Refused
from streams.operator.printing import cell, harmless, show, write_json
from streams.settings import load

LAID_OUT = "\n"  # of the text, which is shown last: what it pretends to be can only stand below


def list_newest(status: str | None, about: str | None, most: int, as_json: bool) -> None:
    """Raises Unavailable, SettingsRefused; so do all of these."""
    show([asdict(each) for each in mail_records.newest(load().postgres_dsn, status, about, most)], as_json)


def show_one(id: str, as_json: bool) -> None:
    """Raises Refused where there is none."""
    found = mail_records.whole(load().postgres_dsn, id)
    if found is None:
        raise Refused(f"there is no mail {id}")
    record, bodies = found
    if as_json:
        write_json([{**asdict(record), **asdict(bodies)}])
        return
    for member, value in asdict(record).items():
        print(f"{member:10} {cell(value)}")
    print(f"\n{harmless(bodies.text, but=LAID_OUT)}" if bodies.text else "\n(forgotten)")


def resend(id: str, operator: str, as_json: bool) -> None:
    """Kept in the audit. Raises Refused where there is none, or nothing is left of it."""
    made: MailRecord | None = mail_records.make_due(load().postgres_dsn, id, actor=operator)
    if made is None:
        raise Refused(f"there is no mail {id}, or it has been forgotten: nothing was sent")
    show([asdict(made)], as_json)
