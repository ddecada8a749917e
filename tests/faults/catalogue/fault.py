"""What a fault is, the list of them, and two of them at once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.faults.world import World

Inject = Callable[[World], Awaitable[None]]


@dataclass(frozen=True)
class Fault:
    """`inject` returns when the harm is done and taken away. It says `world.strike()` where recovery is to be counted from.

    `needs_own`: leaves a system that is of no use for other runs. `alone`: nothing else may happen beside it.
    """

    id: str
    what: str
    inject: Inject
    needs_own: bool = False
    alone: bool = False


FAULTS: dict[str, Fault] = {}


def fault(id: str, what: str, needs_own: bool = False, alone: bool = False) -> Callable[[Inject], Inject]:
    def enter(inject: Inject) -> Inject:
        FAULTS[id] = Fault(id, what, inject, needs_own, alone)
        return inject

    return enter


@fault("F21", "two faults at once, at random", alone=True)
async def pair(world: World) -> None:
    usable = sorted(fault.id for fault in FAULTS.values() if not fault.alone and not fault.needs_own)
    two = world.random.sample(usable, 2)
    world.notes["pair"] = "+".join(two)
    await asyncio.gather(*(FAULTS[id].inject(world) for id in two))
