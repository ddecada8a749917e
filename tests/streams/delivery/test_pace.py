"""Turns that gather: none waits that comes late enough, none comes sooner than the gap after the one before."""

import asyncio
import time

from streams.delivery.pace import Pace

GAP_S = 0.05


async def test_a_turn_after_a_rest_comes_at_once() -> None:
    pace = Pace(GAP_S)
    began_at = time.monotonic()
    await pace.turn()
    assert time.monotonic() - began_at < GAP_S


async def test_turns_asked_for_at_once_come_a_gap_apart_and_in_order() -> None:
    pace = Pace(GAP_S)
    began_at = time.monotonic()
    came: list[tuple[int, float]] = []

    async def one(number: int) -> None:
        await pace.turn()
        came.append((number, time.monotonic() - began_at))

    await asyncio.gather(*(one(number) for number in range(4)))
    assert [number for number, _ in came] == [0, 1, 2, 3]
    assert all(after_s >= number * GAP_S * 0.99 for number, after_s in came)


async def test_a_rest_is_not_saved_up() -> None:
    pace = Pace(GAP_S)
    await pace.turn()
    await asyncio.sleep(3 * GAP_S)
    began_at = time.monotonic()
    await pace.turn()
    await pace.turn()
    assert time.monotonic() - began_at >= GAP_S * 0.99
