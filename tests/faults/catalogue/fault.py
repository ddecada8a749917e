"""What a fault is, the list of them, and two of them at once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.faults.world import World

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


@fault("F21", "two faults at once, at random")
async def pair(world: World) -> None:
    usable = sorted(fault.id for fault in entered.values() if fault.with_load and fault.id != "F21")
    two = world.random.sample(usable, 2)
    world.notes["pair"] = "+".join(two)
    await asyncio.gather(*(entered[id].inject(world) for id in two))
