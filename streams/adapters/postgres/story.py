"""One payment's whole story as the projection keeps it, for operators: whosever it is, and with what no merchant is shown."""

import json
from dataclasses import dataclass

from models.ports import View
from streams.adapters.postgres.rows import storable
from streams.adapters.postgres.statements import run

PAYMENT = "SELECT body::text FROM payments WHERE id = %s"
EVENTS = "SELECT body::text, for_operators::text FROM payment_events WHERE payment_id = %s ORDER BY sequence"


@dataclass(frozen=True, slots=True)
class Told:
    """An event: `body` as its merchant sees it, and what is for operators alone."""

    body: View
    for_operators: View


def story(dsn: str, payment_id: str) -> tuple[View, list[Told]] | None:
    """The payment as it stands, and its events in order; None: there is none. Raises Unavailable."""
    found = run(dsn, PAYMENT, storable(payment_id))
    if not found:
        return None
    events = run(dsn, EVENTS, storable(payment_id))
    return json.loads(found[0][0]), [
        Told(json.loads(body), json.loads(secret) if secret else {}) for body, secret in events
    ]
