"""What a fault is, the list of them, and two of them at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from tests.faults.tools import Missing
from tests.faults.world import World

PAUSE = ""
Inject = Callable[[World], Awaitable[None]]


@dataclass(frozen=True)
class Fault:
    """`inject` returns when the harm is done and taken away. It says `world.strike()` where recovery is to be counted from.

    `with_load`: customers come meanwhile; where not, only before and after, and nothing else may happen beside it.
    """

    id: str
    what: str
    inject: Inject
    with_load: bool = True


entered: dict[str, Fault] = {}


def fault(id: str, what: str, with_load: bool = True) -> Callable[[Inject], Inject]:
    def enter(inject: Inject) -> Inject:
        entered[id] = Fault(id, what, inject, with_load)
        return inject

    return enter


async def together(*parts: Awaitable[object]) -> None:
    """Until all of them have ended, whatever becomes of one. Raises what one raised, what is missing last."""
    ended = await asyncio.gather(*parts, return_exceptions=True)
    raised = [each for each in ended if isinstance(each, BaseException)]
    if raised:
        raise min(raised, key=lambda error: isinstance(error, Missing))


@fault("F21", "two faults at once, each with each other in turn")
async def pair(world: World) -> None:
    usable = sorted(fault.id for fault in entered.values() if fault.with_load and fault.id != "F21")
    round, two = world.turn(tuple(pairs(usable)))
    world.note("pair", "+".join(two))
    await together(*(entered[id].inject(world.beside(id, round)) for id in two))


def pairs(ids: list[str]) -> Iterator[tuple[int, tuple[str, str]]]:
    """As a tournament is drawn up: in each round, from 1, everybody meets somebody, and nobody meets anybody twice.

    Where they are an odd number, one pauses in each round.
    """
    first, *others = [*ids, PAUSE] if len(ids) % 2 else ids
    for turned in range(len(others)):
        row = [first, *others[turned:], *others[:turned]]
        half = len(row) // 2
        for two in zip(row[:half], reversed(row[half:]), strict=True):
            if PAUSE not in two:
                yield turned + 1, two
