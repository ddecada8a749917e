"""One more worker beside the others, which gets more than its share: one of them is killed."""

import asyncio

from tests.faults.joiner import Joiner
from tests.faults.world import World

FOR_S = 8.0


async def works_beside(world: World, role: str, joiner: Joiner) -> None:
    joiner.start()
    try:
        await asyncio.to_thread(joiner.wait_until_ready)
        world.note("joined", role)
        await world.kill(world.one_of(role))
        await asyncio.sleep(FOR_S)
    finally:
        await asyncio.to_thread(joiner.stop)
    world.strike()
