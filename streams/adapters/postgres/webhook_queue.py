"""The schedule of webhooks in PostgreSQL: who may send what, when, and what came of it. Endpoints are `webhook_endpoints.py`'s.

A lease is a delivery's `next_at`, moved on: it is due again when whoever took it has not settled it by then. So there is
nothing to clean up after a process that died.
"""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta

from models.recheck import CLOCKS_APART_S
from models.webhooks import ANSWER_KEPT_BYTES, DISABLED_AFTER, Delivery, Notice, Outcome, Sealed, delivery_id
from streams.adapters.postgres.connections import Postgres, Row
from streams.sealing import Sealing

LEASE_S = 60
"""Twice what an attempt and its settling may take."""
HELD_AT_ONCE, HELD_FOR = 500, timedelta(minutes=15)
"""Of an ordered endpoint, those that wait for another are put off, so many in one look: who looked at all of them in each look
would be slow for everybody. They are looked at again after HELD_FOR at the latest, whatever became of the one before.
"""

TAKE_IN = """
INSERT INTO webhook_deliveries (id, endpoint, event, merchant, type, payment, sequence, payload)
SELECT new.* FROM unnest(
    %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[]
) AS new (id, endpoint, event, merchant, type, payment, sequence, payload)
JOIN webhook_endpoints e ON e.id = new.endpoint FOR KEY SHARE OF e  -- it may have been deleted meanwhile
ON CONFLICT DO NOTHING RETURNING id
"""
WANTED = """
SELECT event.number, e.id
FROM unnest(%s::int[], %s::text[], %s::text[], %s::timestamptz[]) AS event (number, merchant, type, at)
JOIN webhook_endpoints e ON e.merchant = event.merchant
AND (e.disabled_at IS NULL OR e.disabled_at > event.at)  -- it may have been disabled while nobody took in
AND e.created_at < event.at + make_interval(secs => %s)  -- by clocks that are as far apart as they may be
WHERE EXISTS (
    SELECT FROM unnest(e.event_types) AS filter
    WHERE filter IN ('*', event.type) OR (right(filter, 2) = '.*' AND starts_with(event.type, left(filter, -1))))
ORDER BY event.number  -- no piece of them shall be there before the one that comes first
"""
LEASE = """
WITH lanes AS (
    SELECT e.id, e.ordered, coalesce(lane.room, CASE WHEN e.failing_since IS NULL THEN %s ELSE 1 END) AS room,
        e.failing_since IS NOT NULL OR e.id = ANY(%s) AS held_up
    FROM webhook_endpoints e LEFT JOIN unnest(%s::text[], %s::int[]) AS lane (id, room) ON lane.id = e.id
    WHERE e.disabled_at IS NULL AND coalesce(lane.room, 1) > 0
), seen AS (
    SELECT lanes.id AS endpoint, lanes.room, lanes.held_up, found.* FROM lanes, LATERAL (
        SELECT d.id, d.next_at, CASE WHEN lanes.ordered THEN (
            SELECT earlier.next_at FROM webhook_deliveries earlier
            WHERE earlier.endpoint = d.endpoint AND earlier.payment = d.payment AND earlier.state = 'pending'
            AND earlier.sequence < d.sequence ORDER BY earlier.sequence LIMIT 1) END AS held_until
        FROM webhook_deliveries d WHERE d.endpoint = lanes.id AND d.state = 'pending' AND d.next_at <= now()
        ORDER BY d.next_at LIMIT lanes.room + CASE WHEN lanes.ordered THEN %s ELSE 0 END FOR UPDATE OF d SKIP LOCKED
    ) found
), held AS (  -- out of the way until the one before may have ended: `SETTLE` says when it has
    UPDATE webhook_deliveries d
    SET next_at = now() + least(greatest(seen.held_until - now(), make_interval(secs => %s)), %s)
    FROM seen WHERE d.id = seen.id AND seen.held_until IS NOT NULL
), due AS (
    SELECT id FROM (
        SELECT *, row_number() OVER (PARTITION BY held_up ORDER BY next_at) AS of_these FROM (
            SELECT *, row_number() OVER (PARTITION BY endpoint ORDER BY next_at) AS place FROM seen WHERE held_until IS NULL
        ) AS free WHERE place <= room
    ) AS roomy WHERE NOT held_up OR of_these <= %s ORDER BY next_at LIMIT %s
)
UPDATE webhook_deliveries d SET next_at = now() + make_interval(secs => %s), is_leased = true, asked_again = false
FROM due, webhook_endpoints e WHERE d.id = due.id AND e.id = d.endpoint
AND d.created_at >= e.created_at  -- a deleted endpoint may have been made again, and what was its is not forgotten yet
RETURNING d.id, d.endpoint, e.url, d.payload, d.attempts + 1, d.tries + 1,
    e.secret, CASE WHEN e.old_until > now() THEN e.old_secret END, d.created_at,
    e.failing_since IS NOT NULL, e.version
"""
SETTLE = """
WITH told AS (
    SELECT * FROM unnest(%s::text[], %s::int[], %s::text[], %s::float[], %s::text[], %s::int[], %s::int[], %s::int[], %s::text[],
        %s::text[]) AS told (id, number, state, wait_s, disable, version, took_ms, status, answer, error)
), moved AS (
    UPDATE webhook_deliveries d SET attempts = told.number, is_leased = false, asked_again = false,
        state = CASE WHEN d.asked_again THEN 'pending' ELSE told.state END,
        tries = CASE WHEN d.asked_again THEN 0 ELSE d.tries + 1 END,
        next_at = CASE WHEN d.asked_again THEN now() ELSE now() + make_interval(secs => told.wait_s) END,
        ended_at = CASE WHEN told.state <> 'pending' AND NOT d.asked_again THEN now() END
    FROM told WHERE d.id = told.id AND d.attempts = told.number - 1 AND d.state = 'pending'
    RETURNING d.endpoint, d.payment, d.sequence, told.*
), next AS (
    UPDATE webhook_deliveries d SET next_at = now() FROM (
        SELECT DISTINCT later.id FROM moved JOIN webhook_endpoints e ON e.id = moved.endpoint AND e.ordered, LATERAL (
            SELECT id, attempts FROM webhook_deliveries later
            WHERE later.endpoint = moved.endpoint AND later.payment = moved.payment AND later.state = 'pending'
            AND later.sequence > moved.sequence ORDER BY sequence LIMIT 1) later
        WHERE moved.state <> 'pending' AND later.attempts = 0 AND later.id NOT IN (SELECT id FROM told)
    ) AS first WHERE d.id = first.id
), kept AS (
    INSERT INTO webhook_attempts (delivery, number, took_ms, status, answer, error)
    SELECT id, number, took_ms, status, answer, error FROM moved ON CONFLICT DO NOTHING
), ended AS (
    SELECT endpoint, version, bool_or(state = 'delivered') AS well, max(disable) AS disable FROM moved
    GROUP BY endpoint, version
), changed AS (
    UPDATE webhook_endpoints e SET
        failing_since = CASE WHEN ended.well THEN NULL ELSE coalesce(e.failing_since, now()) END,
        disabled_at = CASE WHEN ended.disable IS NOT NULL
            OR (NOT ended.well AND e.failing_since < now() - %s) THEN now() END,
        disabled_why = coalesce(ended.disable,
            CASE WHEN NOT ended.well AND e.failing_since < now() - %s THEN %s END)
    FROM ended WHERE e.id = ended.endpoint AND e.version = ended.version AND e.disabled_at IS NULL
    AND (ended.disable IS NOT NULL OR ended.well = (e.failing_since IS NOT NULL) OR e.failing_since < now() - %s)
    RETURNING e.id, e.merchant, e.disabled_why
), noted AS (
    INSERT INTO audit (actor, action, subject, detail)
    SELECT 'millrace', 'webhook_endpoint.disabled', id, jsonb_build_object('merchant', merchant, 'why', disabled_why)
    FROM changed WHERE disabled_why IS NOT NULL
)
SELECT id, disabled_why FROM changed WHERE disabled_why IS NOT NULL
"""
OLDEST = """
SELECT count(*), coalesce(extract(epoch FROM now() - min(d.next_at)), 0)::float FROM webhook_deliveries d
JOIN webhook_endpoints e ON e.id = d.endpoint AND e.disabled_at IS NULL WHERE d.state = 'pending' AND d.next_at <= now()
"""
FORGET = """
DELETE FROM webhook_deliveries WHERE id IN (
    SELECT id FROM webhook_deliveries WHERE ended_at < now() - %s ORDER BY ended_at LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING id
"""
FORGET_DELETED = """
WITH over AS (
    DELETE FROM webhook_endpoints_deleted e
    WHERE NOT EXISTS (SELECT FROM webhook_deliveries d WHERE d.endpoint = e.id AND d.created_at <= e.at)
)
DELETE FROM webhook_deliveries WHERE id IN (
    SELECT d.id FROM webhook_endpoints_deleted e JOIN webhook_deliveries d ON d.endpoint = e.id AND d.created_at <= e.at
    LIMIT %s FOR UPDATE OF d SKIP LOCKED)
RETURNING id
"""
TAKEN_IN_AT_ONCE, ROW_CHARS = 4 << 20, 1 << 10
"""Each endpoint is a copy of the event: a batch of large ones for sixteen of them would take longer than a statement may."""
KEPT_FOR, FORGOTTEN_AT_ONCE = timedelta(days=30), 5_000
LONG_FAILURE = f"nothing was taken for {DISABLED_AFTER.days} days"

log = logging.getLogger("millrace.notifications")


class PostgresWebhookQueue:
    """Fulfils WebhookQueue."""

    def __init__(self, postgres: Postgres, sealing: Sealing) -> None:
        self._postgres, self._sealing = postgres, sealing

    async def take_in(self, notices: Sequence[Notice]) -> int:
        merchants, types = [one.merchant for one in notices], [one.type for one in notices]
        events = list(range(len(notices))), merchants, types, [one.at for one in notices]
        wanted = await self._postgres.rows(WANTED, (*events, CLOCKS_APART_S))
        if not wanted:
            return 0
        new = [(notices[number], endpoint) for number, endpoint in wanted]
        return sum([len(await self._postgres.rows(TAKE_IN, columns)) for columns in _some_at_once(new)])

    async def lease(
        self,
        rooms: Mapping[str, int],
        room: int,
        most: int,
        held_up: Collection[str],
        held_up_most: int,
    ) -> list[Delivery]:
        lanes = room, list(held_up), list(rooms), list(rooms.values())
        values = *lanes, HELD_AT_ONCE, LEASE_S, HELD_FOR, held_up_most, most, LEASE_S
        found = await self._postgres.rows(LEASE, values)
        return [delivery for row in found if (delivery := self._delivery(row))]

    async def settle(self, outcomes: Sequence[Outcome]) -> list[tuple[str, str]]:
        columns = [list(column) for column in zip(*map(_told, outcomes), strict=True)]
        long_ago = (DISABLED_AFTER, DISABLED_AFTER, LONG_FAILURE, DISABLED_AFTER)
        return [(id, why) for id, why in await self._postgres.rows(SETTLE, [*columns, *long_ago])]

    async def forget(self) -> int:
        """Deliveries that ended KEPT_FOR ago, and those of deleted endpoints, with their attempts, piece by piece;
        and how many. Raises Unavailable.
        """
        total = 0
        for sql, values in ((FORGET, (KEPT_FOR, FORGOTTEN_AT_ONCE)), (FORGET_DELETED, (FORGOTTEN_AT_ONCE,))):
            some = FORGOTTEN_AT_ONCE
            while some == FORGOTTEN_AT_ONCE:
                some = len(await self._postgres.rows(sql, values))
                total += some
        return total

    async def waiting(self) -> tuple[int, float]:
        """How many are due, and for how long the first of them has been, in seconds. Raises Unavailable."""
        ((count, oldest_s),) = await self._postgres.rows(OLDEST)
        return count, oldest_s

    def _delivery(self, row: Row) -> Delivery | None:
        """None where the secret cannot be read: that is the operator's fault, and no attempt of the merchant's."""
        id, endpoint, url, payload, number, attempt, *sealed, created_at, failing, version = row
        try:
            secrets = tuple(self._sealing.open(each, endpoint) for each in sealed if each is not None)
        except Sealed as why:
            log.error("the secret of webhook endpoint %s cannot be read: %s", endpoint, why)
            return None
        return Delivery(id, endpoint, url, payload, number, attempt, secrets, created_at, failing, version)


def _some_at_once(new: Sequence[tuple[Notice, str]]) -> Iterator[list[list[object]]]:
    """As columns, of TAKEN_IN_AT_ONCE characters about."""
    rows: list[tuple[object, ...]] = []
    size = 0
    for notice, endpoint in new:
        rows.append(_row(notice, endpoint))
        size += ROW_CHARS + len(notice.payload)
        if size >= TAKEN_IN_AT_ONCE:
            yield [list(column) for column in zip(*rows, strict=True)]
            rows, size = [], 0
    if rows:
        yield [list(column) for column in zip(*rows, strict=True)]


def _row(notice: Notice, endpoint: str) -> tuple[object, ...]:
    return (
        delivery_id(notice.event_id, endpoint),
        endpoint,
        notice.event_id,
        notice.merchant,
        notice.type,
        notice.payment,
        notice.sequence,
        notice.payload,
    )


def _told(outcome: Outcome) -> tuple[object, ...]:
    delivery, answer = outcome.delivery, outcome.answer
    return (
        delivery.id,
        delivery.number,
        outcome.state,
        outcome.wait_s,
        outcome.disable,
        delivery.version,
        int(answer.seconds * 1000),
        answer.status,
        answer.body[:ANSWER_KEPT_BYTES],
        answer.error,
    )
