"""F5, F7, F8: the brokers, PostgreSQL and Redis are killed, stopped, locked, emptied, made to wait."""

import asyncio
import os
import signal
from contextlib import closing
from functools import partial

import psycopg2
from redis.asyncio import Redis

from tests.faults.catalogue.fault import fault
from tests.faults.world import World

AWAY_S = (2.0, 8.0)
LOCK_S = 12.0
BOTH = 0.3  # of the broker runs: two of three, so that no command can be acknowledged
EXHAUSTED_S = 6.0
PAUSE_MS = 5_000


@fault("F5", "SIGKILL of a broker, or of two of three, and their restart")
async def broker_killed(world: World) -> None:
    hit = world.random.sample(world.brokers.nodes, 2 if world.random.random() < BOTH else 1)
    world.notes["brokers"] = [node.number for node in hit]
    try:
        for node in hit:
            await asyncio.to_thread(node.kill)
        await world.pause(*AWAY_S)
    finally:
        await asyncio.to_thread(world.brokers.start)
    world.strike()


@fault(
    "F7",
    "PostgreSQL stops at once, ends its connections, holds a lock, has no connection left; who waits for it is killed",
)
async def postgres_hit(world: World) -> None:
    how = world.random.choice((_stopped, _terminated, _locked, _exhausted))
    world.notes["how"] = how.__name__
    await asyncio.gather(how(world), _with_what_waits(world))
    world.strike()


async def _with_what_waits(world: World) -> None:
    """Who cannot store what happened is killed with it."""
    await world.pause(1.2, 2.0)
    world.system.service.signal(world.random.choice(world.names("projection")), signal.SIGKILL)


async def _stopped(world: World) -> None:
    server = world.grounds.postgres()
    hit = server.kill if world.random.random() < 0.5 else partial(_immediately, world)
    await asyncio.to_thread(hit)
    try:
        await world.pause(*AWAY_S)
    finally:
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)


def _immediately(world: World) -> None:
    """SIGQUIT: what `pg_ctl stop -m immediate` sends."""
    os.kill(world.system.postgres.pid, signal.SIGQUIT)


async def _terminated(world: World) -> None:
    for _ in range(5):
        await asyncio.to_thread(
            _say,
            world.system.postgres.dsn,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()",
        )
        await world.pause(0.1, 1.5)


async def _locked(world: World) -> None:
    table = world.random.choice(("payments", "payment_events", "api_keys"))
    world.notes["table"] = table
    hold = f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep({LOCK_S})"
    await asyncio.to_thread(_say, world.system.postgres.dsn, hold)


async def _exhausted(world: World) -> None:
    taken = []
    try:
        for _ in range(200):
            try:
                taken.append(await asyncio.to_thread(psycopg2.connect, world.system.postgres.dsn))
            except psycopg2.OperationalError:
                break
        world.notes["connections taken"] = len(taken)
        await asyncio.sleep(EXHAUSTED_S)
    finally:
        for connection in taken:
            connection.close()


def _say(dsn: str, statement: str) -> None:
    with closing(psycopg2.connect(dsn)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)


@fault("F8", "Redis is killed, emptied, made to wait")
async def redis_hit(world: World) -> None:
    how = world.random.choice(("kill", "flush", "pause"))
    world.notes["how"] = how
    server = world.grounds.redis()
    if how == "kill":
        await asyncio.to_thread(server.kill)
        try:
            await world.pause(*AWAY_S)
        finally:
            await asyncio.to_thread(server.start)
    else:
        async with Redis.from_url(server.url) as redis:
            if how == "flush":
                for _ in range(5):
                    await redis.flushall()
                    await world.pause(0.1, 1.0)
            else:
                await redis.execute_command("CLIENT", "PAUSE", PAUSE_MS, "ALL")  # type: ignore[no-untyped-call]
                await asyncio.sleep(PAUSE_MS / 1000)
    world.strike()
