"""The cache put right after a replay, on real PostgreSQL and Redis: what never was so goes, what is ahead by right stays."""

import json
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from models.ports import View
from sandbox.testing import PostgresServer, RedisServer
from streams.adapters.postgres import PostgresPaymentStore
from streams.adapters.postgres.kept import PostgresKept
from streams.adapters.postgres.migrating import migrate
from streams.adapters.redis_cache import PREFIX, RedisPaymentCache
from streams.adapters.redis_upkeep import RedisUpkeep
from streams.operator import cache_upkeep
from streams.operator.cache_upkeep import CacheUpkeep, Put
from streams.payment_reads import whose_refunds
from tests.streams.adapters.payments import FIRST, change, payment_id, refund, view
from tests.streams.adapters.servers import emptied

pytestmark = pytest.mark.real


class World:
    """PostgreSQL and Redis with three payments, and the upkeep over them. `moved`: what the log says since."""

    def __init__(self, dsn: str, url: str, cache: RedisPaymentCache) -> None:
        self.store, self.kept = PostgresPaymentStore(dsn), PostgresKept(dsn)
        self.cache, self.upkeep = cache, RedisUpkeep(url)
        self.redis = Redis.from_url(url)
        self.moved: dict[str, int] = {}

    async def put_right(self) -> Put:
        async def moved() -> dict[str, int]:
            return self.moved

        return await CacheUpkeep(self.kept, self.cache, self.upkeep, moved).refresh()

    async def say(self, name: str, view: View, number: int | None = None) -> None:
        """An entry as it would stand there, kept by `number` if by another than its own."""
        await self.redis.set(PREFIX + name, f"{number or view['sequence']}\n{json.dumps(view)}")

    async def close(self) -> None:
        for each in (self.store, self.kept, self.cache, self.upkeep):
            await each.close()
        await self.redis.aclose()


@pytest.fixture
async def world(
    postgres: PostgresServer, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    monkeypatch.setattr(cache_upkeep, "LOOKS", 3)
    monkeypatch.setattr(cache_upkeep, "LOOK_PAUSE_S", 0.02)
    dsn = postgres.fresh_database()
    migrate(dsn)
    world = World(dsn, redis_server.url, await emptied(RedisPaymentCache(redis_server.url)))
    await world.store.apply([change(view(number, 3, refunds=[refund(number)])) for number in (1, 2, 3)])
    yield world
    await world.close()


def kept(number: int) -> View:
    return view(number, 3, refunds=[refund(number)])


@pytest.mark.parametrize(
    ("entry", "number"),
    [
        (kept(1) | {"sequence": 2, "status": "authorized"}, None),  # old
        (kept(1) | {"status": "declined"}, None),  # of the same number, and otherwise
        (kept(1) | {"sequence": 9}, None),  # newer than the log
        (kept(1), 9),  # kept by a number that would outlive what is newer
    ],
)
async def test_what_is_not_so_gives_way_to_what_is(world: World, entry: View, number: int | None) -> None:
    await world.say(payment_id(1), entry, number)
    done = await world.put_right()
    assert done.left == 0
    assert await world.cache.get(payment_id(1)) == kept(1)
    await world.cache.put([kept(1) | {"sequence": 4}])
    assert await world.cache.get(payment_id(1)) == kept(1) | {"sequence": 4}, "and what is newer is taken"


async def test_what_never_was_is_dropped_and_what_is_right_is_left(world: World) -> None:
    (right,) = whose_refunds(kept(2))
    wrong = right | {"id": f"{FIRST}/{refund(7)['id']}"}
    await world.say(str(right["id"]), right)
    await world.say(str(wrong["id"]), wrong)
    await world.say(payment_id(8), view(8))
    await world.redis.set(f"{PREFIX}junk", "junk")
    await world.redis.set(f"{PREFIX}screen:answer:{payment_id(1)}", "no concern of this")
    done = await world.put_right()
    assert (done.dropped, done.left) == (3, 0)
    left = {key.decode().removeprefix(PREFIX) async for key in world.redis.scan_iter(f"{PREFIX}*")}
    assert left == {right["id"], f"screen:answer:{payment_id(1)}"}, (
        "what has not moved for a day is not put there"
    )


async def test_whose_a_refund_is_that_postgresql_has_not_heard_of_yet_stays(world: World) -> None:
    ahead = view(1, 5, refunds=[refund(1), refund(8)])
    _, early = whose_refunds(ahead)
    await world.say(str(early["id"]), early)
    world.moved = {payment_id(1): 5}
    done = await world.put_right()
    assert (done.dropped, done.left) == (0, 1)
    await world.store.apply([change(ahead)])
    assert await world.put_right() == Put(entries=1)


async def test_what_is_ahead_of_postgresql_as_the_log_is_stays_and_is_not_called_right(world: World) -> None:
    ahead = view(1, 5)
    await world.say(payment_id(1), ahead)
    world.moved = {payment_id(1): 5}
    assert (await world.put_right()).left == 1
    assert await world.cache.get(payment_id(1)) == ahead
    await world.store.apply([change(ahead)])
    assert await world.put_right() == Put(entries=1)


@pytest.mark.parametrize("name", ["notice:evt_1", "screen:of:cus_1", "stripe-tokens:ours"])
async def test_what_else_is_remembered_in_redis_is_left_as_it_is(world: World, name: str) -> None:
    await world.redis.set(PREFIX + name, 1)
    done = await world.put_right()
    assert await world.redis.exists(PREFIX + name)
    assert (done.dropped, done.left) == (0, 0)
