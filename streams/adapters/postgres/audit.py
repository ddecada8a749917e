"""What operators did to merchants and keys: written in the transaction of the act itself, and kept as it is by a trigger.

So neither can be there without the other. What is done on Kafka is told on Kafka, for the same reason.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg2.extras import Json

from streams.adapters.postgres.statements import run

NOTE = "INSERT INTO audit (actor, action, subject, detail) VALUES (%s, %s, %s, %s)"
ACTS = """
SELECT at, actor, action, subject, detail FROM audit
WHERE (%(subject)s IS NULL OR subject = %(subject)s OR detail->>'merchant' = %(subject)s
    OR detail->>'replaces' = %(subject)s)
AND (%(since)s::timestamptz IS NULL OR at >= %(since)s) AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
ORDER BY at DESC, id DESC LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Act:
    """`actor`: who did it. `subject`: the id of a merchant, or the prefix of a key; `detail` names the key's merchant."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


def note(cursor: Any, actor: str, action: str, subject: str, **detail: Any) -> None:
    """In the transaction of `cursor`, which is the act's own."""
    cursor.execute(NOTE, (actor, action, subject, Json(detail)))


def acts(
    dsn: str, subject: str | None, since: datetime | None, until: datetime | None, most: int
) -> list[Act]:
    """The newest, in the order in which they happened. A merchant's: its keys' too. Raises Unavailable."""
    found = run(dsn, ACTS, subject=subject, since=since, until=until, most=most)
    return [Act(*row) for row in reversed(found)]
