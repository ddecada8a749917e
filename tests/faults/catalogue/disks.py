"""F18, F19: disks are full, and system calls fail."""

import asyncio
import time
from errno import EIO, ENOSPC, errorcode
from itertools import product

from sandbox.processes import ProgramFailed
from tests.faults.brokers import Node
from tests.faults.catalogue.fault import fault
from tests.faults.grounds import BROKER, POSTGRES, FailingPostgres
from tests.faults.tools import FailingIo, Missing
from tests.faults.world import World

FULL_S = (4.0, 8.0)
DISKS = (BROKER, POSTGRES)
PERCENT = (1, 3, 10, 30)
FAILING = tuple(
    (percent, server, (EIO, ENOSPC)[(at + server_at) % 2])
    for (server_at, server), (at, percent) in product(enumerate(DISKS), enumerate(PERCENT))
)
"""Each percentage at each server and with each error; each error at each server."""
FAILING_S = 8.0
RESTART_S = 0.5


@fault("F18", "the disk of a broker or of PostgreSQL is full")
async def disk_full(world: World) -> None:
    name = world.turn(DISKS)
    if not world.grounds.disks:
        raise Missing("small disks need root: no mount namespace")
    disk = world.grounds.disks[name]
    world.note("full", name)
    server = _server(world, name)
    async with world.holding(name):
        try:
            await asyncio.to_thread(disk.fill)
            await world.pause(*FULL_S)
            world.note("ended of it", not server.runs)
        finally:
            await asyncio.to_thread(disk.free)
            await _started(server, world)
    world.strike()


@fault("F19", "writes and syncs of a broker or of PostgreSQL fail with EIO or ENOSPC")
async def failing_disk(world: World) -> None:
    percent, name, errno = world.turn(FAILING)
    failing = FailingIo(world.system.folder / "failing")
    server = _server(world, name)
    world.note("failing", f"{name}, {percent} % {errorcode[errno]}")
    async with world.holding(name):
        restarts = 0
        try:
            await asyncio.to_thread(server.kill)
            server.before = failing.before
            await _started(server, world)
            failing.begin(percent, errno, world.draws.seed)
            ends = time.monotonic() + FAILING_S
            while (left := ends - time.monotonic()) > 0:
                if not server.runs:  # as its supervisor would
                    restarts += 1
                    await asyncio.to_thread(_try_to_start, server, left)
                await asyncio.sleep(RESTART_S)
        finally:
            calls, failed = failing.end()
            world.note("failed", f"{failed} of {calls} writes and syncs, {restarts} restarts")
            server.before = ()
            await asyncio.to_thread(server.kill)
            await _started(server, world)
    world.strike()


def _server(world: World, name: str) -> Node | FailingPostgres:
    return world.grounds.postgres() if name == POSTGRES else world.brokers.nodes[0]


def _try_to_start(server: Node | FailingPostgres, within_s: float) -> None:
    usual, server.start_within_s = server.start_within_s, within_s
    try:
        server.start()
    except ProgramFailed:
        return
    finally:
        server.start_within_s = usual


async def _started(server: Node | FailingPostgres, world: World) -> None:
    """If it has ended; and it answers."""
    if isinstance(server, Node):
        await asyncio.to_thread(world.brokers.start_these, [server])
    elif not server.runs:
        await asyncio.to_thread(server.start)
