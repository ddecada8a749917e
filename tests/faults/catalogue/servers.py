"""F5, F7, F8: the brokers, PostgreSQL and Redis are killed, stopped, locked, emptied, made to wait."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial

import psycopg2
from redis.asyncio import Redis

from sandbox.processes import wait_until
from tests.faults.catalogue.fault import fault, together
from tests.faults.grounds import POSTGRES
from tests.faults.world import World

AWAY_S = (2.0, 8.0)
KILLED = ((1,), (2, 3), (2,), (1, 3), (3,), (1, 2))
"""Brokers by their numbers: of three two, so that no command can be acknowledged."""
LOCK_LONG_S, LOCK_S = 30.0, 12.0
EXHAUSTED_S = 6.0
ENDS_WITHIN_S = 10.0
PAUSE_MS = 5_000
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
TERMINATE = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"


@fault("F5", "SIGKILL of a broker, or of two of three, and their restart")
async def broker_killed(world: World) -> None:
    numbers = world.turn(KILLED)
    hit = [node for node in world.brokers.nodes if node.number in numbers]
    world.note("brokers killed", list(numbers))
    async with world.holding(*(f"broker{number}" for number in numbers)):
        try:
            for node in hit:
                await asyncio.to_thread(node.kill)
            await world.pause(*AWAY_S)
        finally:
            await asyncio.to_thread(world.brokers.start_these, hit)
    world.strike()


@fault(
    "F7",
    "PostgreSQL is killed, stops at once, ends its connections, holds a lock, has none left; who waits for it is killed",
)
async def postgres_hit(world: World) -> None:
    how = world.turn(tuple(WAYS))
    world.note("postgres", how)
    victim, after_s = world.one_of("projection"), world.random.uniform(1.2, 2.0)
    async with world.holding(POSTGRES):
        await together(WAYS[how](world), _with_what_waits(world, victim, after_s))
    world.strike()


async def _with_what_waits(world: World, victim: str, after_s: float) -> None:
    """Who cannot store what happened is killed with it."""
    await asyncio.sleep(after_s)
    await world.signal(victim, signal.SIGKILL)


async def _away(world: World, hit: Callable[[World], None]) -> None:
    server = world.grounds.postgres()
    await asyncio.to_thread(hit, world)
    world.note("postgres ended", not server.runs)
    try:
        await world.pause(*AWAY_S)
    finally:
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)


def _killed(world: World) -> None:
    world.grounds.postgres().kill()


def _stopped_at_once(world: World) -> None:
    """SIGQUIT: what `pg_ctl stop -m immediate` sends."""
    server = world.grounds.postgres()
    os.kill(server.pid, signal.SIGQUIT)
    wait_until(lambda: not server.runs, ENDS_WITHIN_S)


async def _terminated(world: World) -> None:
    for _ in range(5):
        ended = await asyncio.to_thread(_say, world.system.postgres.dsn, TERMINATE)
        world.note("connections ended", ended)
        await world.pause(0.1, 1.5)


async def _locked(world: World, table: str, for_s: float) -> None:
    hold = f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep({for_s}); {WAITING}"
    world.note("waiting for it", await asyncio.to_thread(_say, world.system.postgres.dsn, hold))


async def _exhausted(world: World) -> None:
    taken = []
    try:
        for _ in range(200):
            try:
                taken.append(await asyncio.to_thread(psycopg2.connect, world.system.postgres.dsn))
            except psycopg2.OperationalError:
                break
        world.note("connections taken", len(taken))
        await asyncio.sleep(EXHAUSTED_S)
    finally:
        for connection in taken:
            connection.close()


def _say(dsn: str, statement: str) -> int:
    """The number that it tells."""
    with closing(psycopg2.connect(dsn)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchall()[0][0])


WAYS: dict[str, Callable[[World], Awaitable[None]]] = {
    "killed": partial(_away, hit=_killed),
    "stopped at once": partial(_away, hit=_stopped_at_once),
    "its connections ended": _terminated,
    f"payments locked for {LOCK_LONG_S:g} s": partial(_locked, table="payments", for_s=LOCK_LONG_S),
    f"api_keys locked for {LOCK_S:g} s": partial(_locked, table="api_keys", for_s=LOCK_S),
    f"payment_events locked for {LOCK_S:g} s": partial(_locked, table="payment_events", for_s=LOCK_S),
    "no connection left": _exhausted,
}
REDIS = ("killed", "emptied", "made to wait")


@fault("F8", "Redis is killed, emptied, made to wait")
async def redis_hit(world: World) -> None:
    how = world.turn(REDIS)
    world.note("redis", how)
    server = world.grounds.redis()
    match how:
        case "killed":
            await asyncio.to_thread(server.kill)
            try:
                await world.pause(*AWAY_S)
            finally:
                await asyncio.to_thread(server.start)
        case "emptied":
            async with Redis.from_url(server.url) as redis:
                for _ in range(5):
                    world.note("keys lost", await redis.dbsize())
                    await redis.flushall()
                    await world.pause(0.1, 1.0)
        case "made to wait":
            async with Redis.from_url(server.url) as redis:
                await redis.execute_command("CLIENT", "PAUSE", PAUSE_MS, "ALL")  # type: ignore[no-untyped-call]
                await asyncio.sleep(PAUSE_MS / 1000)
    world.strike()
