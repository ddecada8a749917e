"""Whose turn it is, held in a real PostgreSQL: one of all who ask, and another when that one died."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from streams.adapters.postgres import Postgres
from streams.adapters.postgres.checkpoint import PostgresCheckpoint
from tests.streams.adapters.servers import run_sql

pytestmark = pytest.mark.real

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
FIRST = NOW - timedelta(days=3)
EVERY = timedelta(minutes=3)


async def claim(connections: Postgres, now: datetime = NOW, name: str = "stripe.events") -> datetime | None:
    return await PostgresCheckpoint(connections, name).claim(now, EVERY, FIRST)


async def test_of_many_who_ask_at_once_one_has_the_turn(connections: Postgres) -> None:
    turns = await asyncio.gather(*(claim(connections) for _ in range(8)))
    assert [turn for turn in turns if turn] == [FIRST]
    assert await claim(connections, name="something.else") == FIRST


async def test_it_goes_on_from_where_it_had_come_to_and_never_back(connections: Postgres) -> None:
    checkpoint = PostgresCheckpoint(connections, "stripe.events")
    await claim(connections)
    await checkpoint.reached(NOW)
    assert await claim(connections, NOW + EVERY / 2) is None
    assert await claim(connections, NOW + EVERY * 2) == NOW
    await checkpoint.reached(NOW - timedelta(days=1))
    assert await claim(connections, NOW + EVERY * 3) == NOW


async def test_who_died_in_its_turn_is_followed_by_another(connections: Postgres, database: str) -> None:
    assert await claim(connections) == FIRST
    assert await claim(connections) is None
    run_sql(database, "UPDATE checkpoints SET claimed_until = now() - interval '1 second'")
    assert await claim(connections) == FIRST


async def test_who_lives_in_the_future_takes_nobody_elses_turn(connections: Postgres) -> None:
    now = datetime.now(UTC)
    assert await claim(connections, now + timedelta(days=1))
    await PostgresCheckpoint(connections, "stripe.events").reached(now + timedelta(days=1))
    come_to = await claim(connections, now + EVERY * 2)
    assert come_to and now - EVERY < come_to < now + EVERY
