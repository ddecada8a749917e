"""Rate limits of callers: the algorithm, what a process knows by itself, and its share while nothing is counted together."""

import asyncio
import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.callers import Limit
from models.errors import Unavailable
from streams.rate_limits import LEFT_ALONE_S, Leads, RateLimits, Taking
from streams.rate_limits.gcra import Cells

KEY = Limit("key", "mr_test_12345678", 10.0, 20)
MERCHANT = Limit("merchant", "mer_1", 15.0, 30)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Counted:
    """All processes' limits, counted in one place; or away."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.cells, self.round_trips, self.is_away = clock, Cells(1000), 0, False

    async def take(self, takings: Sequence[Taking]) -> list[Leads]:
        self.round_trips += 1
        await asyncio.sleep(0)
        if self.is_away:
            raise Unavailable("no Redis")
        return [self._one(taking) for taking in takings]

    def _one(self, taking: Taking) -> Leads:
        said = self.cells.take(taking.limits, taking.cost, self.clock.now)
        return Leads(
            said.admitted, [max(self.cells.lead_s(each, self.clock.now), 0.0) for each in taking.limits]
        )


@given(st.lists(st.tuples(st.floats(0.0, 3.0), st.integers(1, 20)), max_size=60))
def test_never_more_is_admitted_than_the_burst_and_the_rate_and_no_less_is_left(
    asked: list[tuple[float, int]],
) -> None:
    cells, now, admitted = Cells(10), 0.0, 0
    begun_at = now
    for pause_s, cost in asked:
        now += pause_s
        said = cells.take([KEY], cost, now)
        if said.admitted:
            admitted += cost
        else:
            soon = now + said.retry_after_s
            assert said.retry_after_s > 0
            assert not Cells_of(cells).take([KEY], cost, soon - 0.01).admitted
            assert Cells_of(cells).take([KEY], cost, soon + 1e-6).admitted
        assert admitted <= KEY.burst + KEY.per_s * (now - begun_at) + 1e-6
        assert 0 <= said.standings[0].remaining <= KEY.burst


def Cells_of(cells: Cells) -> Cells:
    copy = Cells(10)
    copy._due_at = dict(cells._due_at)
    return copy


def test_what_one_limit_refuses_is_taken_from_none() -> None:
    cells = Cells(10)
    for _ in range(4):
        assert cells.take([KEY, MERCHANT], 5, 0.0).admitted
    refused = cells.take([KEY, MERCHANT], 5, 0.0)
    assert not refused.admitted
    assert [each.remaining for each in refused.standings] == [0, 10]


def test_the_limit_not_used_for_longest_is_forgotten() -> None:
    cells = Cells(2)
    limits = [Limit("key", name, 1.0, 5) for name in "abc"]
    for limit in limits:
        cells.take([limit], 5, 0.0)
    assert cells.take([limits[0]], 5, 0.0).admitted
    assert not cells.take([limits[2]], 5, 0.0).admitted


async def test_who_is_refused_by_what_is_known_here_is_refused_without_asking() -> None:
    clock = Clock()
    counted = Counted(clock)
    limits = RateLimits(counted, 2, clock)
    assert [(await limits.take([KEY], 5)).admitted for _ in range(4)] == [True] * 4
    asked = counted.round_trips
    refused = [await limits.take([KEY], 5) for _ in range(100)]
    assert not any(each.admitted for each in refused)
    assert counted.round_trips == asked
    assert refused[0].retry_after_s == pytest.approx(0.5)
    clock.now += 0.5
    assert (await limits.take([KEY], 5)).admitted


async def test_two_processes_share_a_limit() -> None:
    clock = Clock()
    counted = Counted(clock)
    one, other = RateLimits(counted, 2, clock), RateLimits(counted, 2, clock)
    said = [await each.take([KEY], 5) for _ in range(3) for each in (one, other)]
    assert sum(each.admitted for each in said) == 4


async def test_those_who_come_meanwhile_are_asked_for_together() -> None:
    clock = Clock()
    counted = Counted(clock)
    limits = RateLimits(counted, 1, clock)
    said = await asyncio.gather(*(limits.take([KEY, MERCHANT], 1) for _ in range(40)))
    assert sum(each.admitted for each in said) == KEY.burst
    assert counted.round_trips <= 2


async def test_while_it_cannot_be_asked_each_process_admits_its_share() -> None:
    clock = Clock()
    counted = Counted(clock)
    counted.is_away = True
    limits = [RateLimits(counted, 2, clock) for _ in range(2)]
    said = [[await each.take([KEY], 5) for _ in range(5)] for each in limits]
    assert [sum(verdict.admitted for verdict in of_one) for of_one in said] == [2, 2]
    assert counted.round_trips <= 2 * math.ceil(1 / LEFT_ALONE_S)
    counted.is_away = False
    clock.now += LEFT_ALONE_S
    assert (await limits[0].take([KEY], 5)).admitted
    assert counted.cells.lead_s(KEY, clock.now) > 0


async def test_a_share_holds_at_least_what_one_request_costs() -> None:
    clock = Clock()
    counted = Counted(clock)
    counted.is_away = True
    small = Limit("key", "k", 1.0, 5)
    assert (await RateLimits(counted, 64, clock).take([small], 5)).admitted


async def test_one_who_gives_up_waiting_takes_nobody_along() -> None:
    clock = Clock()
    limits = RateLimits(Counted(clock), 1, clock)
    leaving, staying = (asyncio.create_task(limits.take([KEY], 1)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).admitted


async def test_an_answer_that_cannot_be_read_leaves_nobody_waiting() -> None:
    counted = Counted(clock := Clock())
    limits, answer = RateLimits(counted, 1, clock), counted.take

    async def nonsense(takings: Sequence[Taking]) -> list[Leads]:
        await asyncio.sleep(0)
        raise RuntimeError("no answer to this question")

    counted.take = nonsense  # type: ignore[method-assign]
    asked = [limits.take([KEY], 5) for _ in range(3)]
    async with asyncio.timeout(5):
        said = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(each) for each in said] == [RuntimeError] * 3
    counted.take = answer  # type: ignore[method-assign]
    assert (await limits.take([KEY], 5)).admitted
