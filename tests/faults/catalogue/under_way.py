"""Calls to Stripe that are under way when something happens to whoever made them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.faults.world import World
from tests.system.waiting import POLL_S

HELD_S = 0.8
EACH_HAS_ONE = 4  # calls within that time, over all gateways
COMES_WITHIN_S = 10.0  # at five payments a second; where another fault lets none through, that is how it is


@asynccontextmanager
async def calls_under_way(world: World) -> AsyncIterator[None]:
    """Stripe holds each call for a while before it does what it is asked, and at the beginning of the block it holds some."""
    async with world.at_stripe({"kind": "delay_before", "ms": int(HELD_S * 1000)}) as (id,):
        ends, held = time.monotonic() + COMES_WITHIN_S, 0
        while held < EACH_HAS_ONE and time.monotonic() < ends:
            await asyncio.sleep(POLL_S)
            (held,) = [rule["hits"] for rule in await world.stripe.rules() if rule["id"] == id]
        world.note("calls under way", held)
        yield
