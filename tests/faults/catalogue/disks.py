"""F18, F19: disks are full, and system calls fail."""

import asyncio

from sandbox.processes import ProgramFailed
from tests.faults.brokers import Node
from tests.faults.catalogue.fault import fault
from tests.faults.grounds import FailingPostgres
from tests.faults.tools import Missing, failing_io
from tests.faults.world import World

FULL_S = (4.0, 8.0)
FAILING_S = 8.0
RESTART_S = 1.0
PERCENT = (1, 3, 10, 30)


@fault("F18", "the disk of a broker or of PostgreSQL is full")
async def disk_full(world: World) -> None:
    if not world.grounds.disks:
        raise Missing("small disks need root: no mount namespace")
    name = world.random.choice(sorted(world.grounds.disks))
    disk = world.grounds.disks[name]
    world.notes["full"] = name
    try:
        await asyncio.to_thread(disk.fill)
        await world.pause(*FULL_S)
    finally:
        await asyncio.to_thread(disk.free)
        await _started(world)
    world.strike()


@fault("F19", "writes and syncs of a broker or of PostgreSQL fail with EIO or ENOSPC")
async def failing_disk(world: World) -> None:
    percent = world.random.choice(PERCENT)
    before = failing_io(percent)
    servers: list[Node | FailingPostgres] = [world.brokers.nodes[0], world.grounds.postgres()]
    server = world.random.choice(servers)
    world.notes["failing"] = f"{server.name}, {percent} %"
    try:
        await asyncio.to_thread(server.kill)
        server.before = before
        deadline = asyncio.get_running_loop().time() + FAILING_S
        while (left := deadline - asyncio.get_running_loop().time()) > 0:
            if not server.runs:  # as its supervisor would
                await asyncio.to_thread(_try_to_start, server, left)
            await asyncio.sleep(RESTART_S)
    finally:
        server.before = ()
        await asyncio.to_thread(server.kill)
        await _started(world)
    world.strike()


def _try_to_start(server: Node | FailingPostgres, within_s: float) -> None:
    usual, server.start_within_s = server.start_within_s, within_s
    try:
        server.start()
    except ProgramFailed:
        return
    finally:
        server.start_within_s = usual


async def _started(world: World) -> None:
    """Whatever has ended is started again, until it stays."""
    await asyncio.to_thread(world.brokers.start)
    postgres = world.grounds.postgres()
    if not postgres.runs:
        await asyncio.to_thread(postgres.start)
