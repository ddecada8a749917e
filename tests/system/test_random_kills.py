"""SIGKILLs at random under load, of any process of the service, alone or two at once, again and again."""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable

import pytest

from tests.system.history import History
from tests.system.inquest import Inquest
from tests.system.load import Load
from tests.system.stack import System
from tests.system.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(280)]

KILLING_S = 60.0
PAUSE_S = (0.3, 4.0)  # between two kills: within a recovery as well as after it
TWO_AT_ONCE = 0.25
BACK_WITHIN_S = 60.0
SEED = "SYSTEM_TESTS_SEED"  # in the environment: to kill again as in an earlier run


async def test_random_kills_lose_and_double_nothing(
    system: System, history: History, load: Callable[[int], Load], inquest: Inquest
) -> None:
    seed = int(os.environ.get(SEED) or time.time())
    print(f"{SEED}={seed}")
    chance, killed, next_ones = random.Random(seed), Counter[str](), list[str]()
    async with load(seed):
        ends = time.monotonic() + KILLING_S
        while time.monotonic() < ends:
            for _ in range(2 if chance.random() < TWO_AT_ONCE else 1):
                if not next_ones:  # round by round, so that each has its turn
                    next_ones = chance.sample(parts := sorted(system.service.parts()), len(parts))
                name = next_ones.pop()
                killed[name] += _kill(system, name)
            await asyncio.sleep(chance.uniform(*PAUSE_S))
    await until(system.service.is_whole, BACK_WITHIN_S, "all are back")
    await inquest.hold()
    outcomes = Counter(operation.outcome for operation in history.operations)
    print(f"killed {dict(killed)}; operations so far {dict(outcomes)}")
    assert {name.partition("-")[0] for name in killed} == {
        "writer",
        "gateway",
        "projection",
        "notifications",
        "analytics",
        "web",
    }


def _kill(system: System, name: str) -> bool:
    """Whether it was there to be killed."""
    pid = system.service.parts()[name]["pid"]
    try:
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return pid is not None
