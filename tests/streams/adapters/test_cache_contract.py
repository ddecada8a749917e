"""What a PaymentCache promises: the fake and Redis alike."""

from collections.abc import AsyncIterator

import pytest

from models.ports import PaymentCache
from sandbox.testing import RedisServer
from streams.adapters.redis_cache import RedisPaymentCache
from tests.fakes import FakePaymentCache
from tests.streams.adapters.payments import payment_id, refund, view
from tests.streams.adapters.servers import emptied

pytestmark = pytest.mark.real


@pytest.fixture(params=["fake", "redis"])
async def cache(request: pytest.FixtureRequest, redis_server: RedisServer) -> AsyncIterator[PaymentCache]:
    if request.param == "fake":
        yield FakePaymentCache()
        return
    cache = await emptied(RedisPaymentCache(redis_server.url))
    yield cache
    await cache.close()


async def test_a_view_is_got_back_as_it_was_put(cache: PaymentCache) -> None:
    shown = view(1, description="Zwölf Äpfel 🍏 \0 \n \\", metadata={"a": "b"}, refunds=[refund(1)])
    assert await cache.put([shown])
    assert await cache.get(shown["id"]) == shown


async def test_what_was_never_put_is_not_there(cache: PaymentCache) -> None:
    assert await cache.get(payment_id(9)) is None


async def test_an_older_sequence_never_replaces_a_newer_one(cache: PaymentCache) -> None:
    for sequence in (9, 10, 2, 9):  # as text, "9" would be more than "10"
        assert await cache.put([view(1, sequence)])
    assert (await cache.get(payment_id(1)) or {})["sequence"] == 10


async def test_of_one_batch_the_highest_sequence_stays_in_whatever_order(cache: PaymentCache) -> None:
    assert await cache.put([view(1, 2), view(2, 1), view(1, 3), view(1, 1)])
    assert (await cache.get(payment_id(1)) or {})["sequence"] == 3
    assert (await cache.get(payment_id(2)) or {})["sequence"] == 1


async def test_an_empty_batch_is_put_without_ado(cache: PaymentCache) -> None:
    assert await cache.put([])


async def test_a_batch_of_thousands_is_put_whole(cache: PaymentCache) -> None:
    assert await cache.put([view(number) for number in range(1_203)])
    assert await cache.get(payment_id(1_202)) == view(1_202)
