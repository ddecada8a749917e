"""A migrated database and a Redis for the adapters' tests, emptied before each."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from sandbox.testing import PostgresServer, RedisServer
from streams.adapters.postgres import Postgres, PostgresPaymentReader, PostgresPaymentStore
from streams.adapters.postgres.migrating import migrate
from tests.streams.adapters.servers import run_sql

TABLES = (
    "payments, refunds, payment_events, merchants, api_keys, checkpoints, mails,"
    " webhook_endpoints, webhook_endpoints_deleted, webhook_deliveries CASCADE"
)


@pytest.fixture(scope="session")
def migrated(postgres: PostgresServer) -> str:
    dsn = postgres.fresh_database()
    migrate(dsn)
    return dsn


@pytest.fixture
def database(migrated: str) -> str:
    """Its address."""
    run_sql(migrated, f"TRUNCATE {TABLES}")
    return migrated


@pytest.fixture
async def connections(database: str) -> AsyncIterator[Postgres]:
    connections = Postgres(database)
    yield connections
    await connections.close()


@pytest.fixture
async def store(database: str) -> AsyncIterator[PostgresPaymentStore]:
    store = PostgresPaymentStore(database)
    yield store
    await store.close()


@pytest.fixture
def reader(connections: Postgres) -> PostgresPaymentReader:
    return PostgresPaymentReader(connections)


@pytest.fixture
async def redis_url(redis_server: RedisServer) -> str:
    """The address of a Redis that holds nothing."""
    async with Redis.from_url(redis_server.url) as redis:
        await redis.flushall()
    return redis_server.url
