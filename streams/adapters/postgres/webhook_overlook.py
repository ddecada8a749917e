"""Everybody's webhook endpoints and deliveries, for operators to look at. What is done about them is `webhook_endpoints.py`'s."""

from models.webhook_endpoints import Endpoint, Kept
from streams.adapters.postgres.connections import Postgres
from streams.adapters.postgres.rows import storable
from streams.adapters.postgres.webhook_endpoints import DELIVERY, ENDPOINT, kept

ENDPOINTS = """
WITH done AS (SELECT * FROM webhook_endpoints
    ORDER BY disabled_at IS NULL AND failing_since IS NULL, created_at DESC, id LIMIT %s)
"""
ENDPOINT_OF_ID = "WITH done AS (SELECT * FROM webhook_endpoints WHERE id = %s)"
DELIVERIES = """
WITH done AS (SELECT * FROM webhook_deliveries WHERE endpoint = %s ORDER BY created_at DESC, id DESC LIMIT %s)
"""
DELIVERY_OF_ID = "WITH done AS (SELECT * FROM webhook_deliveries WHERE id = %s)"


class WebhookOverlook:
    """All of it raises Unavailable."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def endpoints(self, most: int) -> list[Endpoint]:
        """Those that need somebody first, then the newest."""
        return [Endpoint(*row) for row in await self._postgres.rows(ENDPOINTS + ENDPOINT, (most,))]

    async def endpoint(self, id: str) -> Endpoint | None:
        found = await self._postgres.rows(ENDPOINT_OF_ID + ENDPOINT, (storable(id),))
        return Endpoint(*found[0]) if found else None

    async def deliveries(self, endpoint: str, most: int) -> list[Kept]:
        """The newest first."""
        found = await self._postgres.rows(DELIVERIES + DELIVERY, (storable(endpoint), most))
        return [kept(row) for row in found]

    async def delivery(self, id: str) -> Kept | None:
        found = await self._postgres.rows(DELIVERY_OF_ID + DELIVERY, (storable(id),))
        return kept(found[0]) if found else None
