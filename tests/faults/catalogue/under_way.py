"""Calls to Stripe that are under way when something happens to whoever made them.

What Stripe does all the same, its notice tells of, whoever called. What it does not do, nobody else knows of: it is done only
if whoever comes after has the request from Kafka again.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.faults.world import World
from tests.system.waiting import POLL_S

HELD_S = 0.8
COMMITTED_S = 1.0  # within which a gateway commits what it has finished
EACH_HAS_ONE = 4  # calls within that time, over all gateways
COMES_WITHIN_S = 10.0  # at five payments a second; where another fault lets none through, that is how it is


@asynccontextmanager
async def calls_under_way(world: World, done: bool = True) -> AsyncIterator[None]:
    """Stripe holds each call for a while before it does what it is asked, and at the beginning of the block it holds some;
    or does nothing of it, and these have then been under way for longer than until the next commit.
    """
    held_s = HELD_S if done else HELD_S + COMMITTED_S
    rules: list[dict[str, Any]] = [{"kind": "delay_before", "ms": int(held_s * 1000)}]
    if not done:
        rules.append({"kind": "conflict"})
    async with world.at_stripe(*rules) as (id, *_):
        ends, held = time.monotonic() + COMES_WITHIN_S, 0
        while held < EACH_HAS_ONE and time.monotonic() < ends:
            await asyncio.sleep(POLL_S)
            (held,) = [rule["hits"] for rule in await world.stripe.rules() if rule["id"] == id]
        world.note("calls under way", held)
        if not done:
            await asyncio.sleep(COMMITTED_S)
        yield
