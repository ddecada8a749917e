"""API keys are remembered for seconds, through outages for minutes, and a revocation is noticed in time."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from models.callers import Operator, Principal
from models.errors import Unavailable
from streams import known, known_keys
from streams.adapters.postgres.keys import CHANGED_LATELY_MIN
from streams.known import AWAY_S, FRESH_S, GRACE_S, digest_of
from streams.known_keys import KnownKeys
from tests.fakes import FakeApiKeys

REVOKED_WITHIN_S = 5.0  # what operators are promised
BEGAN = datetime(2026, 1, 31, 12, tzinfo=UTC)
ANN = Principal("mer_ann", "mr_test_ann", frozenset({"payments:read"}), False)


class Bench:
    """Keys in a store, a clock that is moved by hand, and what remembers the keys."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.store = FakeApiKeys({"ann": ANN})
        self.keys = KnownKeys(self.store, lambda: self.now_s, lambda: BEGAN + timedelta(seconds=self.now_s))

    async def after(self, seconds: float) -> Principal | Operator | None:
        """Who holds Ann's key so much later; background work has ended by then."""
        self.now_s += seconds
        holder = await self.keys.holder("ann")
        await self.background_work_ends()
        return holder

    async def background_work_ends(self) -> None:
        await asyncio.wait([asyncio.create_task(asyncio.sleep(0)), *self.keys._known._asking.values()])
        await asyncio.sleep(0)


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_a_known_key_is_asked_for_once_in_a_while_only(bench: Bench) -> None:
    for _ in range(200):
        assert await bench.after(0.1) == ANN
    assert bench.store.asked <= 10


@pytest.mark.parametrize("step_s", [0.1, 1.0, 2.4, 4.9, REVOKED_WITHIN_S, 30.0])
async def test_a_revoked_key_is_refused_within_five_seconds(bench: Bench, step_s: float) -> None:
    assert await bench.after(0) == ANN
    await bench.after(step_s)
    bench.store.holders.clear()
    revoked_at_s = bench.now_s
    while await bench.after(step_s):
        assert bench.now_s - revoked_at_s < REVOKED_WITHIN_S


async def test_while_the_store_is_away_a_known_key_goes_on_for_a_while(bench: Bench) -> None:
    assert await bench.after(0) == ANN
    bench.store.away = True
    for _ in range(int(GRACE_S) - 1):
        assert await bench.after(1.0) == ANN
    with pytest.raises(Unavailable):
        await bench.after(2.0)


async def test_while_the_store_is_away_an_unknown_key_cannot_be_judged(bench: Bench) -> None:
    bench.store.away = True
    with pytest.raises(Unavailable):
        await bench.keys.holder("ben")


async def test_a_flood_of_made_up_keys_waits_for_the_store_in_a_bounded_number(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is in nobody's way who has a key."""
    monkeypatch.setattr(known, "UNKNOWN_MAX", 3)
    assert await bench.after(0) == ANN
    answering, answer = asyncio.Event(), bench.store.holder

    async def slowly(api_key: str) -> Principal | Operator | None:
        await answering.wait()
        return await answer(api_key)

    bench.keys._known._ask_store = slowly
    flood = [asyncio.create_task(bench.keys.holder(f"made up {n}")) for n in range(10)]
    turned_away, waiting = await asyncio.wait(flood, timeout=0.05)
    assert [type(each.exception()) for each in turned_away] == [Unavailable] * 7
    bench.now_s += 1.0
    assert await bench.keys.holder("ann") == ANN
    left = waiting.pop()
    left.cancel()
    with pytest.raises(Unavailable):  # what one who left had asked is on its way all the same
        await bench.keys.holder("made up")
    answering.set()
    assert await asyncio.gather(*waiting) == [None] * 2
    assert await bench.keys.holder("made up") is None


@pytest.mark.parametrize("idle_s", [0.5, AWAY_S + REVOKED_WITHIN_S, 300.0])
async def test_a_key_revoked_during_an_outage_is_refused_soon_after_it(bench: Bench, idle_s: float) -> None:
    assert await bench.after(0) == ANN
    bench.store.away = True
    for _ in range(20):
        assert await bench.after(1.0) == ANN
    bench.store.away = False
    bench.store.holders.clear()
    back_at_s = bench.now_s
    while await bench.after(idle_s):
        assert bench.now_s - back_at_s < REVOKED_WITHIN_S


async def test_a_store_that_is_away_is_not_asked_with_every_request(bench: Bench) -> None:
    assert await bench.after(0) == ANN
    bench.store.away = True
    await bench.after(REVOKED_WITHIN_S + 1)
    before = bench.store.asked
    for _ in range(1000):
        assert await bench.after(0.01) == ANN
    assert bench.store.asked - before <= 21


async def test_a_store_that_hangs_makes_no_regular_caller_wait(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await bench.after(0) == ANN

    async def hang(api_key: str) -> Principal | None:
        await asyncio.sleep(0.01)
        bench.now_s += 1.0
        raise Unavailable("no answer in time")

    monkeypatch.setattr(bench.store, "holder", hang)
    for _ in range(50):
        bench.now_s += 0.2
        before = bench.now_s
        assert await bench.keys.holder("ann") == ANN
        assert bench.now_s == before
        await bench.background_work_ends()


async def test_however_many_ask_at_once_the_store_is_asked_once(bench: Bench) -> None:
    assert await asyncio.gather(*(bench.keys.holder("ann") for _ in range(50))) == [ANN] * 50
    assert bench.store.asked == 1


async def test_one_who_gives_up_waiting_takes_the_answer_from_nobody(bench: Bench) -> None:
    first, second = (asyncio.create_task(bench.keys.holder("ann")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == ANN


async def test_keys_that_nobody_holds_fill_no_memory(bench: Bench) -> None:
    for number in range(100):
        assert await bench.keys.holder(f"guess {number}") is None
    assert not bench.keys._known._known


async def test_the_memory_of_keys_is_bounded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "KNOWN_MAX", 3)
    bench.store.holders = {str(number): ANN for number in range(9)}
    for number in range(9):
        await bench.keys.holder(str(number))
    assert len(bench.keys._known._known) == 3


@pytest.mark.parametrize("away", [False, True])
async def test_a_key_is_taken_until_the_very_moment_it_expires(bench: Bench, away: bool) -> None:
    expiring = replace(ANN, expires_at=BEGAN + timedelta(seconds=3))
    bench.store.holders["ann"] = expiring
    assert await bench.after(0) == expiring
    bench.store.away = away
    assert await bench.after(2.999) == expiring
    assert await bench.after(0.001) is None


async def revoke(bench: Bench, ends_at: datetime = BEGAN) -> None:
    """As PostgreSQL tells it; a key that has ended has no holder there."""
    bench.store.ends[digest_of("ann")] = ends_at
    if ends_at <= BEGAN:
        bench.store.holders.clear()
    await bench.keys.listen()


@pytest.mark.parametrize("idle_s", [1.0, 30.0, 300.0])
async def test_what_was_revoked_before_an_outage_does_not_come_back_with_it(
    bench: Bench, idle_s: float
) -> None:
    assert await bench.after(0) == ANN
    bench.now_s += idle_s
    await revoke(bench)
    bench.store.away = True
    while bench.now_s < GRACE_S - 1:
        assert await bench.after(1.0) is None
    with pytest.raises(Unavailable):
        await bench.after(2.0)


async def test_what_was_rotated_before_an_outage_ends_with_its_overlap(bench: Bench) -> None:
    assert await bench.after(0) == ANN
    await revoke(bench, ends_at=BEGAN + timedelta(seconds=100))
    bench.store.away = True
    assert await bench.after(99.9) == ANN
    assert await bench.after(0.1) is None


async def test_an_outage_does_not_undo_what_was_heard(bench: Bench) -> None:
    assert await bench.after(0) == ANN
    await revoke(bench)
    bench.store.away = True
    with pytest.raises(Unavailable):
        await bench.keys.listen()
    assert await bench.after(1.0) is None


async def test_the_listening_goes_on_through_whatever_goes_wrong(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_keys, "LISTEN_EVERY_S", 0.0)
    failures = iter([Unavailable("away"), RuntimeError("a bug")])
    ends = bench.store.ends_of_changed

    async def failing() -> dict[bytes, datetime]:
        if failed := next(failures, None):
            raise failed
        return await ends()

    monkeypatch.setattr(bench.store, "ends_of_changed", failing)
    assert await bench.after(0) == ANN
    bench.store.ends[digest_of("ann")] = BEGAN
    bench.keys.start()
    for _ in range(100):
        await asyncio.sleep(0)
    assert await bench.after(0) is None
    await bench.keys.stop()


def test_what_ended_is_told_for_longer_than_anybody_remembers_a_key() -> None:
    assert CHANGED_LATELY_MIN * 60 > GRACE_S + FRESH_S
