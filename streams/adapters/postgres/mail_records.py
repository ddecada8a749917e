"""Mails as an operator sees them, and one of them made due again. Not asynchronous: for a command line."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from streams.adapters.postgres import audit
from streams.adapters.postgres.rows import storable
from streams.adapters.postgres.statements import run, transaction

COLUMNS = "id, created_at, kind, about, recipient, subject, status, attempts, ended_at, answer"
NEWEST = f"""
SELECT {COLUMNS} FROM mails
WHERE (%(status)s IS NULL OR status = %(status)s) AND (%(about)s IS NULL OR about = %(about)s)
ORDER BY created_at DESC, id LIMIT %(most)s
"""  # noqa: S608 - of constants alone
WHOLE = f"SELECT {COLUMNS}, text, html FROM mails WHERE id = %s"  # noqa: S608
AGAIN = f"""
UPDATE mails SET status = 'waiting', next_at = now(), ended_at = NULL, attempts = attempts + 1
WHERE id = %s AND recipient <> '' RETURNING {COLUMNS}
"""  # noqa: S608 - the attempt is counted so that who sends it just now settles nothing


@dataclass(frozen=True, slots=True)
class MailRecord:
    id: str
    created_at: datetime
    kind: str
    about: str
    recipient: str
    subject: str
    status: str
    attempts: int
    ended_at: datetime | None
    answer: str | None


@dataclass(frozen=True, slots=True)
class Bodies:
    text: str
    html: str


def newest(dsn: str, status: str | None, about: str | None, most: int) -> list[MailRecord]:
    """Raises Unavailable; so do all of these."""
    return [_record(row) for row in run(dsn, NEWEST, status=status, about=storable(about), most=most)]


def whole(dsn: str, id: str) -> tuple[MailRecord, Bodies] | None:
    found = run(dsn, WHOLE, storable(id))
    return (_record(found[0][:-2]), Bodies(*found[0][-2:])) if found else None


def make_due(dsn: str, id: str, *, actor: str) -> MailRecord | None:
    """It goes out again, whatever had become of it. None: there is none, or its content was forgotten."""
    with transaction(dsn) as cursor:
        cursor.execute(AGAIN, (storable(id),))
        found = cursor.fetchone()
        if found is None:
            return None
        made = _record(found)
        audit.note(cursor, actor, "mail.resent", made.id, about=made.about, kind=made.kind)
        return made


def _record(row: tuple[Any, ...]) -> MailRecord:
    return MailRecord(*row)
