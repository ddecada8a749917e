"""Turns that gather: none waits that comes late enough, all that come between two turns share one, and busy ones rest."""

import asyncio
import time

import pytest

from streams.delivery.pace import MOST_GAP_S, Pace

GAP_S = 0.05
QUICK_S = 0.001


async def _turn_s(pace: Pace) -> float:
    began_at = time.monotonic()
    await pace.turn()
    return time.monotonic() - began_at


async def test_a_turn_after_a_rest_comes_at_once() -> None:
    pace = Pace(GAP_S)
    assert await _turn_s(pace) < GAP_S
    await asyncio.sleep(2 * GAP_S)
    assert await _turn_s(pace) < GAP_S


async def test_all_who_come_between_two_turns_share_the_next() -> None:
    pace = Pace(GAP_S)
    await pace.turn()
    began_at = time.monotonic()
    came: list[float] = []

    async def one(number: int) -> None:
        await asyncio.sleep(number * GAP_S / 10)
        await pace.turn()
        came.append(time.monotonic() - began_at)

    await asyncio.gather(*(one(number) for number in range(4)))
    assert min(came) > GAP_S * 0.9
    assert max(came) - min(came) < GAP_S


async def test_a_rest_is_not_saved_up() -> None:
    pace = Pace(GAP_S)
    await pace.turn()
    await asyncio.sleep(3 * GAP_S)
    await pace.turn()
    assert await _turn_s(pace) >= GAP_S * 0.9


def _answered(pace: Pace, seconds: float) -> None:
    for _ in range(200):
        pace.took(seconds)


def test_the_gap_grows_with_what_is_spent_in_queues_and_no_further_than_its_bound() -> None:
    pace = Pace(0.004)
    _answered(pace, QUICK_S)
    assert pace.gap_s == 0.004
    _answered(pace, QUICK_S + 0.010)
    assert pace.gap_s == pytest.approx(0.010, rel=0.05)
    _answered(pace, 10.0)
    assert pace.gap_s == MOST_GAP_S
    _answered(pace, QUICK_S)
    assert pace.gap_s == 0.004


def test_what_always_takes_long_is_no_queue() -> None:
    """A cluster of several machines that acknowledge each other: slow, and idle."""
    pace = Pace(0.004)
    _answered(pace, 0.5)
    assert pace.gap_s == 0.004
