"""Safeguards of what merchants' servers are told, switched off."""

import uuid
from typing import Any

from tests.faults.planted.registry import bug, replace

NOTIFICATIONS = ("notifications",)


@bug("streams.adapters.postgres.webhook_queue", NOTIFICATIONS, ("F16",), ("I16",))
def webhooks_count_when_taken(webhook_queue: Any) -> None:
    """A delivery has ended when a worker takes it, sent or not."""
    leased = "UPDATE webhook_deliveries d SET next_at = now() + make_interval(secs => %s),"
    assert leased in webhook_queue.LEASE
    ended = leased.replace("SET", "SET state = 'delivered', ended_at = now(),")
    replace(webhook_queue, "LEASE", webhook_queue.LEASE.replace(leased, ended))


@bug("models.webhooks", NOTIFICATIONS)
def webhook_ids_at_random(webhooks: Any) -> None:
    """An event that is taken in again is told under another id, once PostgreSQL has been put back to before the first: until
    then the table itself knows endpoint and event, so no crash brings it to light (tests/system/test_restored_database.py).
    """
    replace(webhooks, "delivery_id", lambda event_id, endpoint: f"msg_{uuid.uuid4().hex}")
