"""Who holds an API key, asked of PostgreSQL. Remembering the answer for a while is `streams/known_keys.py`."""

import hashlib

from models.ports import Principal
from streams.adapters.postgres.connections import Postgres

HOLDER = "SELECT merchant, prefix, scopes, livemode FROM api_keys WHERE hash = %s AND revoked_at IS NULL"


def hash_of(api_key: str) -> bytes:
    """SHA-256 is enough for a key of 256 random bits: nobody can try them out, so nothing is slowed down or salted."""
    return hashlib.sha256(api_key.encode(errors="surrogatepass")).digest()


class PostgresApiKeys:
    """Fulfils ApiKeys."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def holder(self, api_key: str) -> Principal | None:
        found = await self._postgres.rows(HOLDER, (hash_of(api_key),))
        if not found:
            return None
        merchant, prefix, scopes, livemode = found[0]
        return Principal(merchant, prefix, frozenset(scopes), livemode)
