"""The outbox of mails: kept before anything is sent, leased to who sends, settled by what came of it. What they say is not known
here.

A lease is the row's own: who takes it moves `next_at` behind the lease's end and counts the attempt, in one statement that skips
what others are about to take. A process that dies has released nothing, and need not: its mails come due by themselves.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import orjson

from models.mailing import LEASE_S, Leased, Settlement
from models.mails import Mail
from models.ports import View
from streams.adapters.postgres.connections import Postgres
from streams.adapters.postgres.rows import array, storable

ANSWER_MAX_CHARS = 500  # a server's words; some send a page

PUT = """
INSERT INTO mails (id, kind, about, recipient, subject, text, html)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
ON CONFLICT (id) DO NOTHING
"""
LEASE = """
UPDATE mails SET attempts = attempts + 1, next_at = now() + make_interval(secs => %s)
WHERE id = (SELECT id FROM mails WHERE status = 'waiting' AND next_at <= now() ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, kind, about, recipient, subject, text, html, created_at, attempts
"""
SETTLE = """
UPDATE mails SET status = %s, answer = %s, next_at = now() + make_interval(secs => %s),
                 ended_at = CASE WHEN %s = 'waiting' THEN NULL ELSE now() END
WHERE id = %s AND status = 'waiting' AND attempts = %s
"""
NAMES = "SELECT id, name FROM merchants WHERE id = ANY (%s)"
UNKNOWN = """
SELECT body::text FROM payments p
WHERE status = 'unknown' AND (body->>'unknown_since')::timestamptz < %s
AND NOT EXISTS (SELECT FROM mails WHERE about = p.id AND kind = 'payment_unknown'
                AND created_at > (p.body->>'unknown_since')::timestamptz)
ORDER BY created_at
LIMIT greatest(0, %s - (SELECT count(DISTINCT about) FROM mails
                        WHERE kind = 'payment_unknown' AND created_at > now() - interval '1 hour'))
"""
FORGET = """
UPDATE mails SET recipient = '', subject = '', text = '', html = '' WHERE ended_at < %s AND recipient <> ''
"""
WAITING = """
SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)::float FROM mails WHERE status = 'waiting'
"""


class PostgresMailOutbox:
    """Fulfils MailOutbox."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._waiting = (0, 0.0)

    async def put(self, mails: Sequence[Mail]) -> None:
        rows = sorted(
            {mail.id: mail for mail in mails}.values(), key=lambda mail: mail.id
        )  # two never wait in a circle
        columns = [array(column) for column in zip(*map(_row, rows), strict=True)]
        if columns:
            await self._postgres.write([(PUT, columns)])

    async def lease(self) -> Leased | None:
        found = await self._postgres.rows(LEASE, (LEASE_S,))
        return _leased(found[0]) if found else None

    async def settle(self, leased: Leased, settlement: Settlement) -> None:
        status, answer = settlement.status.value, storable(settlement.answer[:ANSWER_MAX_CHARS])
        given = (status, answer, settlement.again_in_s, status, leased.mail.id, leased.attempt)
        await self._postgres.write([(SETTLE, given)])

    async def merchant_names(self, ids: Collection[str]) -> dict[str, str]:
        return dict(await self._postgres.rows(NAMES, (sorted(map(str, map(storable, ids))),)))

    async def unknown_payments(self, before: datetime, most_per_hour: int) -> list[View]:
        return [orjson.loads(body) for (body,) in await self._postgres.rows(UNKNOWN, (before, most_per_hour))]

    async def forget(self, before: datetime) -> None:
        await self._postgres.write([(FORGET, (before,))])

    async def count_waiting(self) -> None:
        """For the metrics. Raises Unavailable."""
        ((count, oldest_s),) = await self._postgres.rows(WAITING)
        self._waiting = (count, oldest_s)

    def last_waiting(self) -> tuple[int, float]:
        """How many were not settled when they were counted last, and for how many seconds the oldest had waited."""
        return self._waiting


def _row(mail: Mail) -> tuple[str | None, ...]:
    told = (mail.id, mail.kind, mail.about, mail.recipient, mail.subject, mail.text, mail.html)
    return tuple(map(storable, told))


def _leased(row: tuple[Any, ...]) -> Leased:
    *mail, created_at, attempt = row
    return Leased(Mail(*mail), created_at, attempt)
