"""One payment's whole story as the projection keeps it, for operators: whosever it is, and with what no merchant is shown."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.ports import View
from streams.adapters.postgres.rows import storable
from streams.adapters.postgres.statements import run

PAYMENT = "SELECT body::text FROM payments WHERE id = %s"
EVENTS = "SELECT body::text, for_operators::text FROM payment_events WHERE payment_id = %s ORDER BY sequence"

DELIVERIES_MAX = 500
DELIVERIES = """
SELECT d.id, d.type, d.state, d.created_at, w.url, coalesce((
    SELECT jsonb_agg(jsonb_build_object('took_ms', took_ms, 'status', status, 'error', error) ORDER BY number)
    FROM webhook_attempts WHERE delivery = d.id), '[]')::text
FROM payments p JOIN payment_events e ON e.payment_id = p.id JOIN webhook_endpoints w ON w.merchant = p.merchant
    JOIN webhook_deliveries d ON d.endpoint = w.id AND d.event = e.body ->> 'id'
WHERE p.id = %s ORDER BY d.created_at, d.id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Told:
    """An event: `body` as its merchant sees it, and what is for operators alone."""

    body: View
    for_operators: View


@dataclass(frozen=True, slots=True)
class Delivered:
    """An event's webhook to one endpoint. `attempts`: each with `took_ms`, `status` and `error`."""

    id: str
    type: str
    state: str
    at: datetime
    url: str
    attempts: list[dict[str, Any]]


def story(dsn: str, payment_id: str) -> tuple[View, list[Told], list[Delivered]] | None:
    """The payment as it stands, its events in order, and their webhooks to its merchant as far as they are kept; None: there
    is none. Raises Unavailable.
    """
    found = run(dsn, PAYMENT, storable(payment_id))
    if not found:
        return None
    events = run(dsn, EVENTS, storable(payment_id))
    delivered = run(dsn, DELIVERIES, storable(payment_id), DELIVERIES_MAX)
    return (
        json.loads(found[0][0]),
        [Told(json.loads(body), json.loads(secret) if secret else {}) for body, secret in events],
        [
            Delivered(id, type, state, at, url, json.loads(attempts))
            for id, type, state, at, url, attempts in delivered
        ],
    )
