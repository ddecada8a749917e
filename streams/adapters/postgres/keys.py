"""Who holds an API key, which keys end, and whether a merchant exists, asked of PostgreSQL by the door.

Remembering the answers for a while is `streams/known_keys.py`; making keys is `issuing.py`.
"""

from datetime import UTC, datetime

from models.callers import Operator, Principal
from streams.adapters.postgres.connections import Postgres
from streams.known import digest_of

PREFIX_CHARS = 16  # `mr_test_` and eight more: tells keys apart, and leaves 224 unknown bits
CHANGED_LATELY_MIN = 15  # longer than anybody remembers a key without asking (known_keys.GRACE_S)

REVOKED = datetime.min.replace(tzinfo=UTC)  # over, by anybody's clock

HOLDER = """
SELECT merchant, prefix, scopes, livemode, expires_at FROM api_keys
WHERE hash = %s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
"""
ENDED = """
SELECT hash, CASE WHEN revoked_at IS NULL THEN expires_at END FROM api_keys WHERE changed_at > now() - make_interval(mins => %s)
"""
MERCHANT = "SELECT id FROM merchants WHERE id = %s"


class PostgresApiKeys:
    """Fulfils ApiKeys, and what `KnownKeys` needs besides."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def holder(self, api_key: str) -> Principal | Operator | None:
        """Found by the index over hashes: how long it takes tells nothing about any key."""
        found = await self._postgres.rows(HOLDER, (digest_of(api_key),))
        if not found:
            return None
        merchant, prefix, scopes, livemode, expires_at = found[0]
        if merchant is None:
            return Operator(prefix, expires_at)
        return Principal(merchant, prefix, frozenset(scopes), livemode, expires_at)

    async def ends_of_changed(self) -> dict[bytes, datetime]:
        """By hash, the keys that were revoked or rotated in the last CHANGED_LATELY_MIN, and when they end."""
        found = await self._postgres.rows(ENDED, (CHANGED_LATELY_MIN,))
        return {bytes(hash): ends_at or REVOKED for hash, ends_at in found}


class PostgresMerchants:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def known(self, merchant: str) -> str | None:
        """Its id, if there is such a merchant. Raises Unavailable."""
        found = await self._postgres.rows(MERCHANT, (merchant,))
        return str(found[0][0]) if found else None
