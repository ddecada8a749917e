"""Asking and waiting for real servers, for the adapters' tests."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import psycopg2

from streams.adapters.redis_cache import RedisPaymentCache

SOON_S = 10.0


async def emptied(cache: RedisPaymentCache) -> RedisPaymentCache:
    await eventually(cache.answers)
    await cache._redis.flushall()
    return cache


def run_sql(dsn: str, statement: str, *parameters: object) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(dsn)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


async def eventually(holds: Callable[[], Awaitable[object]], within_s: float = SOON_S) -> None:
    ends_at = time.monotonic() + within_s
    while not await holds():
        assert time.monotonic() < ends_at, "did not come true in time"
        await asyncio.sleep(0.02)
