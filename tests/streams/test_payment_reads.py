"""The newest of cache and store wins, either may be away, and what was answered can be read."""

import asyncio
import time

import pytest

from models.errors import Unavailable
from models.ports import View
from streams import payment_reads
from streams.payment_reads import PaymentReads
from tests.fakes import FakePaymentCache, FakePayments
from tests.streams.adapters.payments import FIRST, SECOND, change, payment_id, refund, view
from tests.streams.adapters.servers import eventually


class Both:
    """A store and a cache, and what reads them together."""

    def __init__(self) -> None:
        self.store, self.cache = FakePayments(), FakePaymentCache()
        self.reads = PaymentReads(self.store, self.cache)

    async def sequence(self) -> int | None:
        found = await self.reads.payment(FIRST, payment_id(1))
        return found["sequence"] if found else None

    async def asked(self, times: int) -> None:
        """Until the store was asked so often."""

        async def was_asked() -> bool:
            return self.store.asked >= times

        await eventually(was_asked)

    async def project(self, payment: View) -> None:
        await self.store.apply([change(payment)])


@pytest.fixture
def both() -> Both:
    return Both()


@pytest.mark.parametrize(("stored", "cached"), [(3, 2), (2, 3), (3, 3), (3, None), (None, 3)])
async def test_the_newest_state_is_read(both: Both, stored: int | None, cached: int | None) -> None:
    if stored:
        await both.project(view(1, stored))
    if cached:
        await both.cache.put([view(1, cached)])
    assert await both.sequence() == 3


async def test_without_the_store_the_cache_answers(both: Both) -> None:
    await both.cache.put([view(1, 2)])
    both.store.away = True
    assert await both.sequence() == 2


async def test_without_the_store_nobody_says_that_a_payment_is_not_there(both: Both) -> None:
    both.store.away = True
    with pytest.raises(Unavailable):
        await both.sequence()


async def test_without_the_cache_the_store_answers(both: Both) -> None:
    await both.project(view(1, 2))
    both.cache.away = True
    assert await both.sequence() == 2


async def test_a_store_that_hangs_does_not_delay_what_the_cache_knows(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(merchant: str, payment_id: str) -> View | None:
        await asyncio.sleep(60)
        return None

    monkeypatch.setattr(both.store, "payment", hang)
    await both.cache.put([view(1, 2)])
    started = time.monotonic()
    assert await both.sequence() == 2
    assert time.monotonic() - started < payment_reads.STORE_EXTRA_S + 5


async def test_another_merchants_payment_is_not_there_in_either(both: Both) -> None:
    payment = view(1, merchant=SECOND, refunds=[refund(1)])
    await both.reads.remember(payment)
    assert await both.sequence() is None
    assert await both.reads.refund(FIRST, refund(1)["id"]) is None
    await both.project(payment)
    assert await both.sequence() is None
    assert await both.reads.refund(FIRST, refund(1)["id"]) is None


async def test_without_the_store_a_strangers_payment_looks_like_none(both: Both) -> None:
    await both.cache.put([view(1, merchant=SECOND)])
    both.store.away = True
    with pytest.raises(Unavailable):
        await both.sequence()


async def test_what_is_remembered_can_be_read_before_the_store_has_it(both: Both) -> None:
    payment = view(1, 5, refunds=[refund(1, "succeeded")])
    await both.reads.remember(payment)
    elsewhere = PaymentReads(both.store, both.cache)
    assert await elsewhere.payment(FIRST, payment["id"]) == payment
    assert await elsewhere.refund(FIRST, refund(1)["id"]) == {
        **refund(1, "succeeded"),
        "payment": payment["id"],
    }


async def test_a_refund_is_shown_as_the_newest_state_has_it(both: Both) -> None:
    await both.project(view(1, 5, refunds=[refund(1, "pending")]))
    await both.cache.put([view(1, 6, refunds=[refund(1, "failed")])])
    assert (await both.reads.refund(FIRST, refund(1)["id"]) or {})["status"] == "failed"


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("remembered_last", [1, 2])
async def test_of_one_keys_refunds_of_two_payments_the_one_made_last_is_shown(
    both: Both, stored: bool, remembered_last: int
) -> None:
    """Whichever payment has come further, or was told of last: their numbers say nothing of each other."""
    older = view(1, 9, refunds=[refund(1, "succeeded")])
    newer = view(2, 5, refunds=[refund(1, "failed", at_s=60)])
    for payment in (newer, older) if remembered_last == 1 else (older, newer):
        await both.reads.remember(payment)
    if stored:
        await both.project(older)
        await both.project(newer)
        both.cache.away = True
    found = await both.reads.refund(FIRST, refund(1)["id"])
    assert found == {**refund(1, "failed", at_s=60), "payment": payment_id(2)}


async def test_without_the_cache_remembering_waits_until_the_store_has_caught_up(both: Both) -> None:
    both.cache.away = True
    await both.project(view(1, 1))
    remembering = asyncio.create_task(both.reads.remember(view(1, 2)))
    await both.asked(3)
    assert not remembering.done()
    await both.project(view(1, 2))
    await remembering
    assert await both.sequence() == 2


async def test_however_many_wait_the_store_is_asked_for_all_of_them_at_once(both: Both) -> None:
    both.cache.away = True
    remembering = [asyncio.create_task(both.reads.remember(view(number))) for number in range(300)]
    await both.asked(2)
    await both.store.apply([change(view(number)) for number in range(300)])
    await asyncio.gather(*remembering)
    assert both.store.asked < 30


async def test_with_both_away_the_answer_leaves_after_a_bound(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payment_reads, "REMEMBERED_WITHIN_S", 0.2)
    both.cache.away = both.store.away = True
    started = time.monotonic()
    await both.reads.remember(view(1))
    assert 0.2 <= time.monotonic() - started < 5


async def test_who_no_longer_waits_is_forgotten(both: Both) -> None:
    both.cache.away = True
    remembering = asyncio.create_task(both.reads.remember(view(1)))
    await both.asked(1)
    remembering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await remembering

    async def nobody_looks() -> bool:
        looking = both.reads._catching_up._looking
        return looking is None or looking.done()

    await eventually(nobody_looks)
