"""F1–F4, F15, F16, F20: processes of the service are killed, sleep, are restarted, come and go, are slow."""

import asyncio
import signal
import time
from functools import partial
from itertools import combinations

from tests.faults.catalogue.fault import fault
from tests.faults.catalogue.under_way import HELD_S, calls_under_way
from tests.faults.joiner import Joiner
from tests.faults.world import HOOK, World
from tests.system.waiting import until

WORKER_POINTS = (
    "writer.decided",
    "delivery.produced",
    "delivery.committed",
    "gateway.before_psp",
    "gateway.after_psp",
    "delivery.reported",
    "projection.after_store",
    "analytics.after_store",
    "notifications.after_webhooks",
    "delivery.handing_over",
)
DOOR_POINTS = ("web.before_append", "web.after_append", "web.before_remember", "web.before_answer")
THEN = ("gateway", "writer", "gateway", "projection", "gateway", "notifications")
STEPS = tuple((point, THEN[at % len(THEN)], at % 4 != 0) for at, point in enumerate(WORKER_POINTS))
"""Where somebody dies; who is killed afterwards while calls to Stripe are under way, most often one who has made them; and
whether Stripe does what these ask.
"""
DOORS = tuple(combinations(DOOR_POINTS, 2))
SLEEPERS = ("gateway", "writer", "projection")
JOINERS = ("writer", "gateway")
STRIKES_WITHIN_S = 45.0  # longer than what another fault may keep from its way
BACK_WITHIN_S = 60.0
TELLING_S = (5.0, 7.0)  # until what has waited is on its way
FROZEN_S = (7.0, 10.0)  # beyond the session of six seconds: somebody else owns the partitions by then
STORM_S = 12.0
BETWEEN_JOINS_S = (0.5, 5.0)
SLOW_S, SLOW_LONG_S = 12.0, 600.0
SLOW = (*[SLOW_S] * 9, SLOW_LONG_S)  # of ten seeds the tenth


@fault("F1", "SIGKILL of a worker at each step of its work")
async def killed_at_a_step(world: World) -> None:
    point, role, done = world.turn(STEPS)
    await _struck_at(world, point)
    await world.pause(0.0, 2.0)
    name = world.one_of(role)
    async with calls_under_way(world, done):
        pid = await world.kill(name)
    await until(partial(world.system.service.has_replaced, name, pid), BACK_WITHIN_S, f"{name} is back")


@fault("F2", "a zombie: asleep beyond its session while its calls are under way, replaced, awake again")
async def asleep(world: World) -> None:
    """It falls asleep before the answers to its calls, with them, or after them."""
    role = world.turn(SLEEPERS)
    async with calls_under_way(world):
        await world.pause(0.0, HELD_S * 1.2)
        name = world.one_of(role)
        await world.signal(name, signal.SIGSTOP)
    try:
        await world.pause(*FROZEN_S)
    finally:
        await world.signal(name, signal.SIGCONT)
    world.strike()


@fault("F3", "SIGKILL of an ingress between the command and its answer")
async def door_killed(world: World) -> None:
    for point in world.turn(DOORS):
        await _struck_at(world, point)
        await world.pause(0.0, 1.0)


@fault("F4", "SIGTERM of everything, one after the other, under load")
async def rolling_restart(world: World) -> None:
    names = world.names()
    world.random.shuffle(names)
    for name in names:
        pid = await world.signal(name, signal.SIGTERM)
        told_at = time.monotonic()
        await until(partial(world.system.service.has_replaced, name, pid), BACK_WITHIN_S, name)
        world.note("replaced in s", round(time.monotonic() - told_at, 1))
    world.strike()


@fault("F15", "a rebalance storm: workers come and go")
async def storm(world: World) -> None:
    role = world.turn(JOINERS)
    ends, joiners = time.monotonic() + STORM_S, list[Joiner]()
    came = killed = 0
    try:
        while time.monotonic() < ends:
            if joiners and world.random.random() < 0.5:
                leaving = joiners.pop(world.random.randrange(len(joiners)))
                if world.random.random() < 0.5:
                    killed += 1
                    await asyncio.to_thread(leaving.kill)
                else:
                    await asyncio.to_thread(leaving.stop)
            elif len(joiners) < 3:
                came += 1
                joiners.append(Joiner(world.system, role))
                joiners[-1].start()
            await world.pause(*BETWEEN_JOINS_S)
    finally:
        world.note("storm", f"{came} of {role} came, {killed} were killed")
        for joiner in joiners:
            await asyncio.to_thread(joiner.stop)
    world.strike()


@fault(
    "F16",
    "consumers that stand still: analytics, notifications, a merchant's server; who tells it then is killed",
)
async def slow_consumers(world: World) -> None:
    for_s = world.turn(SLOW)
    names = world.names("analytics", "notifications")
    world.note("for s", for_s)
    for name in names:
        await world.signal(name, signal.SIGSTOP)
    world.receiver.pauses_s[HOOK] = 1.0
    world.strike()  # payments are to go on as if nothing were
    try:
        try:
            await asyncio.sleep(for_s)
        finally:
            for name in names:
                await world.signal(name, signal.SIGCONT)
        await world.pause(*TELLING_S)
        await world.signal(world.one_of("notifications"), signal.SIGKILL)
    finally:
        world.receiver.pauses_s.clear()


@fault("F20", "all writers killed at once, and with them all that they had of the table")
async def tables_lost(world: World) -> None:
    for name in world.names("writer"):
        await world.signal(name, signal.SIGKILL)
    world.strike()
    await world.whole()


async def _struck_at(world: World, point: str) -> None:
    """Somebody comes to that point, and dies there."""
    armed, before = world.system.crashpoints / point, _restarts(world)
    armed.touch()
    if point == "delivery.handing_over":
        await world.signal(world.one_of("writer", "gateway"), signal.SIGTERM)
    await until(lambda: not armed.exists(), STRIKES_WITHIN_S, f"{point} is reached")
    world.note("points", point)
    world.strike()
    await until(lambda: _restarts(world) != before, STRIKES_WITHIN_S, "the supervisor notices")
    dead = [name for name, times in _restarts(world).items() if times != before[name]]
    world.note("died there", ", ".join(dead))
    await world.whole()


def _restarts(world: World) -> dict[str, int]:
    return {name: part["restarts"] for name, part in world.system.service.parts().items()}
