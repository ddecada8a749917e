"""Merchants' webhook endpoints and what was sent to them, for whoever manages them. When what is sent is `webhook_queue.py`'s.

Each act and its line in the audit are one statement. Everything is asked for by merchant: another's is not there.
"""

import json
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg2.extras import Json

from models.webhook_endpoints import BY_MERCHANT, ENDPOINTS_MAX, Endpoint, Kept, Made, Wished
from models.webhooks import SECRET_BYTES, endpoint_id, secret_of
from streams.adapters.postgres.connections import Postgres, Row
from streams.sealing import Sealing

ENDPOINT = """
SELECT id, merchant, url, event_types, ordered, description, created_at, failing_since, disabled_at, disabled_why FROM done
"""
NOTE = """
, noted AS (INSERT INTO audit (actor, action, subject, detail)
    SELECT %s, %s, id, jsonb_build_object('merchant', merchant) || %s FROM done)
"""
CREATE = """
SELECT pg_advisory_xact_lock(hashtextextended('webhook_endpoints ' || %s, 0));  -- one after the other are counted
WITH done AS (
    INSERT INTO webhook_endpoints (id, merchant, url, event_types, ordered, description, secret, secret_request, disabled_at)
    SELECT %s, %s, %s, %s, %s, %s, %s, %s, CASE WHEN %s THEN now() END
    WHERE (SELECT count(*) FROM webhook_endpoints WHERE merchant = %s) < %s
    ON CONFLICT (id) DO NOTHING RETURNING *)
"""
CHANGE = """
WITH done AS (UPDATE webhook_endpoints e SET url = coalesce(wished.url, e.url), event_types = coalesce(%s, event_types),
    ordered = coalesce(%s, ordered), description = coalesce(%s, description),
    disabled_at = CASE WHEN enabled THEN NULL WHEN NOT enabled THEN coalesce(disabled_at, now()) ELSE disabled_at END,
    disabled_why = CASE WHEN enabled THEN NULL WHEN NOT enabled THEN coalesce(disabled_why, %s) ELSE disabled_why END,
    failing_since = CASE WHEN enabled THEN NULL ELSE failing_since END,
    version = version + CASE WHEN enabled OR wished.url IS NOT NULL THEN 1 ELSE 0 END
    FROM (SELECT %s::boolean AS enabled, %s::text AS url) AS wished WHERE id = %s AND merchant = %s RETURNING e.*)
"""
ROTATE = """
WITH done AS (
    UPDATE webhook_endpoints SET old_secret = secret, old_request = secret_request, old_until = now() + %s,
        secret = %s, secret_request = %s
    WHERE id = %s AND merchant = %s AND secret_request <> %s AND old_request IS DISTINCT FROM %s RETURNING *)
"""
DELETE = """
WITH done AS (DELETE FROM webhook_endpoints WHERE id = %s AND merchant = %s RETURNING *),
over AS (INSERT INTO webhook_endpoints_deleted (id, at) SELECT id, clock_timestamp() FROM done
    ON CONFLICT (id) DO UPDATE SET at = excluded.at)
"""
DISABLE = """
WITH done AS (UPDATE webhook_endpoints SET disabled_at = now(), disabled_why = %s
    WHERE id = %s AND merchant = %s RETURNING *)
"""
ENABLE = """
WITH done AS (UPDATE webhook_endpoints SET disabled_at = NULL, disabled_why = NULL, failing_since = NULL, version = version + 1
    WHERE id = %s AND merchant = %s RETURNING *)
"""
LIST = "WITH done AS (SELECT * FROM webhook_endpoints WHERE merchant = %s OR %s::text IS NULL ORDER BY created_at, id)"
ONE = "WITH done AS (SELECT * FROM webhook_endpoints WHERE id = %s AND merchant = %s)"
SEALED = "SELECT secret, secret_request::text FROM webhook_endpoints WHERE id = %s AND merchant = %s"

DELIVERY = """
SELECT id, endpoint, event, type, payment, sequence, state, attempts, next_at, created_at, ended_at, (
    SELECT coalesce(jsonb_agg(jsonb_build_object('number', number, 'at', at, 'took_ms', took_ms,
        'status', status, 'answer', answer, 'error', error) ORDER BY number), '[]')::text
    FROM (SELECT * FROM webhook_attempts WHERE delivery = done.id ORDER BY number DESC LIMIT 50) AS newest)
FROM done ORDER BY created_at DESC, id DESC
"""
"""The newest attempts: what is sent again by hand is attempted without end, and each of them holds a KiB."""
DELIVERIES = """
WITH done AS (SELECT * FROM webhook_deliveries WHERE endpoint = %s AND merchant = %s AND (%s::text IS NULL OR state = %s)
    AND (%s::text IS NULL OR (created_at, id) < (SELECT created_at, id FROM webhook_deliveries WHERE id = %s AND endpoint = %s))
    ORDER BY created_at DESC, id DESC LIMIT %s)
"""
REDELIVER = """
WITH done AS (UPDATE webhook_deliveries SET state = 'pending', tries = 0, ended_at = NULL,
    asked_again = is_leased, next_at = CASE WHEN is_leased THEN next_at ELSE now() END
    WHERE id = %s AND merchant = %s AND (attempts > 0 OR is_leased)
    AND EXISTS (SELECT FROM webhook_endpoints e WHERE e.id = endpoint) RETURNING *)
"""
"""An attempt that is not settled, however old, was not asked for by this: then `SETTLE` sees that there is to be another."""


class PostgresWebhookEndpoints:
    """The port `WebhookEndpoints`, in PostgreSQL."""

    def __init__(self, postgres: Postgres, sealing: Sealing) -> None:
        self._postgres, self._sealing = postgres, sealing

    async def create(self, merchant: str, wished: Wished, request: UUID, actor: str) -> Made | None:
        id, secret = endpoint_id(request), _new_secret()
        sealed = self._sealing.seal(secret, id)
        made = await self._act(
            CREATE,
            (
                merchant,
                id,
                merchant,
                *wished.in_full(),
                sealed,
                str(request),
                wished.enabled is False,
                merchant,
                ENDPOINTS_MAX,
            ),
            (actor, "webhook_endpoint.created", {"url": wished.url}),
        )
        return Made(made, secret) if made else await self._made_before(merchant, id, request)

    async def change(self, merchant: str, id: str, wished: Wished, actor: str) -> Endpoint | None:
        types = None if wished.event_types is None else list(wished.event_types)
        on = wished.enabled
        said = {"url": wished.url, "event_types": types, "ordered": wished.ordered, "enabled": on}
        detail = {name: value for name, value in said.items() if value is not None}
        values = (types, wished.ordered, wished.description, BY_MERCHANT, on, wished.url, id, merchant)
        return await self._act(CHANGE, values, (actor, "webhook_endpoint.changed", detail))

    async def rotate(
        self, merchant: str, id: str, overlap: timedelta, request: UUID, actor: str
    ) -> Made | None:
        secret = _new_secret()
        done = await self._act(
            ROTATE,
            (overlap, self._sealing.seal(secret, id), str(request), id, merchant, str(request), str(request)),
            (actor, "webhook_endpoint.secret_rotated", {"overlap_s": int(overlap.total_seconds())}),
        )
        return Made(done, secret) if done else await self._made_before(merchant, id, request)

    async def _made_before(self, merchant: str, id: str, request: UUID) -> Made | None:
        """What the same request did already."""
        endpoint = await self.one(merchant, id)
        found = await self._postgres.rows(SEALED, (id, merchant))
        if endpoint is None or not found:
            return None
        sealed, made_by = found[0]
        return Made(endpoint, self._sealing.open(sealed, id) if made_by == str(request) else None, True)

    async def delete(self, merchant: str, id: str, actor: str) -> Endpoint | None:
        return await self._act(DELETE, (id, merchant), (actor, "webhook_endpoint.deleted", {}))

    async def disable(self, merchant: str, id: str, why: str, actor: str) -> Endpoint | None:
        return await self._act(
            DISABLE, (why, id, merchant), (actor, "webhook_endpoint.disabled", {"why": why})
        )

    async def enable(self, merchant: str, id: str, actor: str, reason: str | None = None) -> Endpoint | None:
        return await self._act(ENABLE, (id, merchant), (actor, "webhook_endpoint.enabled", _why(reason)))

    async def all(self, merchant: str | None) -> list[Endpoint]:
        return [Endpoint(*row) for row in await self._postgres.rows(LIST + ENDPOINT, (merchant, merchant))]

    async def one(self, merchant: str, id: str) -> Endpoint | None:
        found = await self._postgres.rows(ONE + ENDPOINT, (id, merchant))
        return Endpoint(*found[0]) if found else None

    async def deliveries(
        self, merchant: str, id: str, most: int, state: str | None = None, after: str | None = None
    ) -> list[Kept]:
        values = (id, merchant, state, state, after, after, id, most)
        return [kept(row) for row in await self._postgres.rows(DELIVERIES + DELIVERY, values)]

    async def redeliver(self, merchant: str, id: str, actor: str, reason: str | None = None) -> Kept | None:
        note = actor, "webhook_delivery.sent_again", Json({"delivery": id, **_why(reason)})
        found = await self._postgres.rows(REDELIVER + NOTE + DELIVERY, (id, merchant, *note))
        return kept(found[0]) if found else None

    async def _act(
        self, sql: str, values: Sequence[Any], note: tuple[str, str, dict[str, Any]]
    ) -> Endpoint | None:
        actor, action, detail = note
        found = await self._postgres.rows(sql + NOTE + ENDPOINT, (*values, actor, action, Json(detail)))
        return Endpoint(*found[0]) if found else None


def kept(row: Row) -> Kept:
    return Kept(*(*row[:-1], json.loads(row[-1])))


def _why(reason: str | None) -> dict[str, str]:
    return {"why": reason} if reason else {}


def _new_secret() -> str:
    return secret_of(secrets.token_bytes(SECRET_BYTES))
