"""Tasks that nobody awaits, from outside."""

import asyncio

import pytest

from streams import background
from tests.system.waiting import until


def never(failure: Exception) -> None:
    raise AssertionError(failure)


async def test_it_is_done_again_whatever_it_raises_until_it_is_stopped() -> None:
    done: list[int] = []
    told: list[Exception] = []

    async def work() -> None:
        done.append(1)
        raise ValueError(len(done))

    task = background.for_ever(work, 0.0, told.append)
    await until(lambda: len(done) >= 3, 5.0, "it is done again")
    await background.stop(task, None)
    assert task.cancelled()
    assert [str(failure) for failure in told[:3]] == ["1", "2", "3"]


async def test_it_stops_though_a_library_swallows_that_it_was_canceled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As `asyncio.wait_for` of Python 3.11 does where it meets the result."""
    monkeypatch.setattr(background, "AGAIN_S", 0.1)
    answer = asyncio.get_running_loop().create_future()

    async def work() -> None:
        await asyncio.wait_for(answer, 60.0)

    task = background.for_ever(work, 3600.0, never)
    await asyncio.sleep(0)
    answer.set_result(None)
    async with asyncio.timeout(5.0):
        await background.stop(task)
    assert task.cancelled()


async def test_how_a_task_ended_is_nobodys_any_more() -> None:
    async def fails() -> None:
        raise ValueError

    await background.stop(asyncio.create_task(fails()), asyncio.create_task(asyncio.sleep(60)))
