"""F11, F17: time itself. Keys that Stripe has forgotten, a worker whose clock is wrong."""

import asyncio

from tests.faults.catalogue.fault import fault
from tests.faults.joiner import Joiner
from tests.faults.tools import clock_ahead
from tests.faults.world import World

OFF_S = 300.0
WRONG_FOR_S = 8.0


@fault("F17", "a worker whose clock is five minutes ahead, or behind")
async def wrong_clock(world: World) -> None:
    seconds = world.random.choice((OFF_S, -OFF_S))
    role = world.random.choice(("writer", "gateway"))
    world.notes["clock"] = f"{role} {seconds:+.0f} s"
    joiner = Joiner(world.system, role, clock_ahead(seconds))
    joiner.start()
    try:
        await asyncio.to_thread(joiner.wait_until_ready)
        name = world.random.choice(world.names(role))
        world.kill(name)  # so that it gets more than its share
        await asyncio.sleep(WRONG_FOR_S)
    finally:
        await asyncio.to_thread(joiner.stop)
    world.strike()
