"""Operators' sessions in a real Redis: the fake keeps the same promises, but for their end."""

import pytest
from redis.asyncio import Redis

from models.errors import Unavailable
from streams.adapters.redis_sessions import PREFIX, RedisSessions
from tests.web.console.desk import FakeSessions
from web.console.ports import Sessions

pytestmark = pytest.mark.real


@pytest.mark.parametrize("kind", ["fake", "redis"])
async def test_what_is_kept_is_there_until_it_is_dropped(redis_url: str, kind: str) -> None:
    sessions: Sessions = FakeSessions() if kind == "fake" else RedisSessions(redis_url)
    assert await sessions.kept("one") is None
    await sessions.keep("one", b"\x00content", 60)
    assert (await sessions.kept("one"), await sessions.kept("other")) == (b"\x00content", None)
    await sessions.drop("one")
    await sessions.drop("one")
    assert await sessions.kept("one") is None
    if isinstance(sessions, RedisSessions):
        await sessions.close()


async def test_it_ends_by_itself(redis_url: str) -> None:
    sessions = RedisSessions(redis_url)
    await sessions.keep("one", b"content", 60)
    async with Redis.from_url(redis_url) as redis:
        assert 50 < await redis.ttl(f"{PREFIX}one") <= 60
    await sessions.close()


async def test_without_redis_nobody_is_signed_in_and_that_is_said() -> None:
    nobody = RedisSessions("redis://127.0.0.1:1/0")
    with pytest.raises(Unavailable):
        await nobody.kept("one")
    await nobody.close()
