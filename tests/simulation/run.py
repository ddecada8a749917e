"""One seed, from its beginning to its verdict."""

import asyncio
import gc
import os
import random
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.simulation.clock import Clock, virtual_time
from tests.simulation.composition import composed
from tests.simulation.customers import Merchants, Others
from tests.simulation.judge import Judge
from tests.simulation.loop import Endless, VirtualLoop
from tests.simulation.mayhem import Mayhem
from tests.simulation.room import Room
from tests.simulation.story import Story
from tests.system.history import History

PAYMENTS_MAX = 4
COLLECTED = 10
"""Stories between two collections of their rubbish, a megabyte each."""


@dataclass(frozen=True)
class Run:
    seed: int
    story: tuple[str, ...]
    wrong: tuple[str, ...]
    steps: int
    lasted_s: float
    """Of virtual time."""
    done_at_stripe: int
    """Lines of its ledger: where there is none, nothing was tried."""


@contextmanager
def stage() -> Iterator[None]:
    """Where stories are told: what stands in stands, and rubbish is collected between them and never in one."""
    gc.collect()
    gc.freeze()
    gc.disable()
    with warnings.catch_warnings(), composed():
        warnings.simplefilter("ignore", RuntimeWarning)  # of what a killed process never awaited
        try:
            yield
        finally:
            gc.enable()
            gc.unfreeze()
            gc.collect()


def told(seed: int, see: Callable[[Room], object] = lambda room: None) -> Run:
    """Within a `stage`. `see`: the room as it is at the end, before all of it is gone."""
    if seed % COLLECTED == 0:
        gc.collect()
    draw = random.Random(seed)
    random.seed(draw.random())  # jitter of the code's own
    loop = VirtualLoop(random.Random(draw.random()))
    clock = Clock(loop)
    story = Story(loop.time)
    history = History(Path(os.devnull))
    wrong: list[str] = []
    room: Room | None = None
    done_at_stripe = 0

    async def life() -> None:
        nonlocal room
        room = Room(loop, clock, draw, story)
        wrong.extend(await _lived(room, history))

    with virtual_time(clock, loop):
        try:
            loop.run_until_complete(life())
        except Endless as endless:
            wrong.append(f"I14 {endless}")
        finally:
            loop.forget_all()
            loop.close()
            history.close()
            if room:
                see(room)
                done_at_stripe = len(room.stripe.simulator.books.ledger)
                room.stripe.simulator.journal.close()
    return Run(seed, tuple(story.lines), tuple(wrong), loop.steps, loop.time(), done_at_stripe)


async def _lived(room: Room, history: History) -> list[str]:
    mayhem, merchants = Mayhem(room), Merchants(room, history)
    mayhem.weather()
    others = room.loop.world(Others(room).act())
    raging = room.loop.world(mayhem.rage())
    sales = [room.loop.world(merchants.sell(n)) for n in range(room.draw.randint(1, PAYMENTS_MAX))]
    await asyncio.gather(raging)
    mayhem.end()
    await asyncio.gather(*sales)
    others.cancel()
    return await Judge(room, history).verdict()
