"""PostgreSQL: the projection, its reader, merchants and their keys, the migrations. No rule about payments lives here."""

from streams.adapters.postgres.connections import Postgres
from streams.adapters.postgres.keys import PostgresApiKeys
from streams.adapters.postgres.reader import PostgresPaymentReader
from streams.adapters.postgres.store import PostgresPaymentStore

__all__ = ["Postgres", "PostgresApiKeys", "PostgresPaymentReader", "PostgresPaymentStore"]
