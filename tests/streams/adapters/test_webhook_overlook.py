"""Everybody's webhook endpoints, as operators ask for them, in a real PostgreSQL."""

import pytest

from streams.adapters.postgres import Postgres
from streams.adapters.postgres.webhook_overlook import WebhookOverlook

pytestmark = pytest.mark.real


async def test_what_is_no_name_is_nobodys(connections: Postgres) -> None:
    """A path may hold anything."""
    overlook = WebhookOverlook(connections)
    for name in ("", "\0", "\ud800", "whe_none"):
        assert await overlook.endpoint(name) is None
        assert await overlook.delivery(name) is None
        assert await overlook.deliveries(name, 5) == []
