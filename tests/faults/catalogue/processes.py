"""F1–F4, F15, F16, F20: processes of the service are killed, sleep, are restarted, come and go, are slow."""

import asyncio
import signal
import time
from functools import partial

from tests.faults.catalogue.fault import fault
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
STRIKES_WITHIN_S = 20.0
BACK_WITHIN_S = 60.0
TELLING_S = (5.0, 7.0)  # until what has waited is on its way
FROZEN_S = (7.0, 10.0)  # beyond the session of six seconds: somebody else owns the partitions by then
STORM_S = 12.0
BETWEEN_JOINS_S = (0.5, 5.0)
SLOW_S, SLOW_LONG_S = 12.0, 600.0
LONG = 0.05  # of the runs; of the first ten seeds the tenth
IN_FLIGHT_MS = 800  # of a call to Stripe that is to be under way when its gateway is killed


@fault("F1", "SIGKILL of a worker at each step of its work")
async def killed_at_a_step(world: World) -> None:
    await _struck_at(world, world.random.choice(WORKER_POINTS))
    await world.pause(0.0, 2.0)
    await world.stripe.plan({"kind": "delay_before", "ms": IN_FLIGHT_MS, "probability": 0.5, "count": 20})
    await world.pause(0.5, 1.0)
    await killed_and_back(
        world, world.random.choice(world.names("writer", "gateway", "projection", "notifications"))
    )
    await world.stripe.forget_faults()


@fault("F2", "a zombie: asleep beyond its session, replaced, awake again")
async def asleep(world: World) -> None:
    name = world.random.choice(world.names("writer", "gateway", "projection"))
    world.notes["asleep"] = name
    world.system.service.signal(name, signal.SIGSTOP)
    try:
        await world.pause(*FROZEN_S)
    finally:
        world.system.service.signal(name, signal.SIGCONT)
    world.strike()


@fault("F3", "SIGKILL of an ingress between the command and its answer")
async def door_killed(world: World) -> None:
    for point in world.random.sample(DOOR_POINTS, 2):
        await _struck_at(world, point)
        await world.pause(0.0, 1.0)


@fault("F4", "SIGTERM of everything, one after the other, under load")
async def rolling_restart(world: World) -> None:
    names = world.names()
    world.random.shuffle(names)
    for name in names:
        pid = world.system.service.signal(name, signal.SIGTERM)
        told_at = time.monotonic()
        await until(partial(world.system.service.has_replaced, name, pid), BACK_WITHIN_S, name)
        world.notes[f"{name} replaced in s"] = round(time.monotonic() - told_at, 1)
    world.strike()


@fault("F15", "a rebalance storm: workers come and go")
async def storm(world: World) -> None:
    role = world.random.choice(("writer", "gateway"))
    ends, joiners = time.monotonic() + STORM_S, list[Joiner]()
    try:
        while time.monotonic() < ends:
            if joiners and world.random.random() < 0.5:
                leaving = joiners.pop(world.random.randrange(len(joiners)))
                how = leaving.kill if world.random.random() < 0.5 else leaving.stop
                await asyncio.to_thread(how)
            elif len(joiners) < 3:
                joiners.append(Joiner(world.system, role))
                joiners[-1].start()
            await world.pause(*BETWEEN_JOINS_S)
    finally:
        for joiner in joiners:
            await asyncio.to_thread(joiner.stop)
    world.strike()


@fault(
    "F16",
    "consumers that stand still: analytics, notifications, a merchant's server; who tells it then is killed",
)
async def slow_consumers(world: World) -> None:
    names = world.names("analytics", "notifications")
    for_s = SLOW_LONG_S if world.random.random() < LONG else SLOW_S
    world.notes["for s"] = for_s
    for name in names:
        world.system.service.signal(name, signal.SIGSTOP)
    world.receiver.pauses_s[HOOK] = 1.0
    world.strike()  # payments are to go on as if nothing were
    try:
        await asyncio.sleep(for_s)
    finally:
        for name in names:
            world.system.service.signal(name, signal.SIGCONT)
    await world.pause(*TELLING_S)
    world.system.service.signal(world.random.choice(world.names("notifications")), signal.SIGKILL)
    world.receiver.pauses_s.clear()


@fault("F20", "all writers killed at once, and with them all that they had of the table")
async def tables_lost(world: World) -> None:
    for name in world.names("writer"):
        world.system.service.signal(name, signal.SIGKILL)
    world.strike()
    await world.whole()


async def killed_and_back(world: World, name: str) -> None:
    pid = world.system.service.parts()[name]["pid"]
    world.kill(name)
    await until(lambda: world.system.service.has_replaced(name, pid), BACK_WITHIN_S, f"{name} is back")


async def _struck_at(world: World, point: str) -> None:
    """Somebody comes to that point, and dies there."""
    armed, deaths = world.system.crashpoints / point, _deaths(world)
    world.notes.setdefault("points", []).append(point)  # type: ignore[attr-defined]
    armed.touch()
    if point == "delivery.handing_over":
        world.system.service.signal(world.random.choice(world.names("writer", "gateway")), signal.SIGTERM)
    await until(lambda: not armed.exists(), STRIKES_WITHIN_S, f"{point} is reached")
    world.strike()
    await until(lambda: _deaths(world) > deaths, STRIKES_WITHIN_S, "the supervisor notices")
    await world.whole()


def _deaths(world: World) -> int:
    return sum(part["restarts"] for part in world.system.service.parts().values())
