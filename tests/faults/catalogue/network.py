"""F6: the network to the brokers drops, refuses or loses; or one of them is gone, hangs, or is parted from the others alone."""

import asyncio
import os
import signal

from tests.faults.catalogue.fault import fault
from tests.faults.tools import Firewall
from tests.faults.world import World

FOR_S = (4.0, 9.0)
UNTIL_OTHERS_DO = ("vanish", "sleep", "part")
"""These last until new commands settle all the same."""
WITHOUT_IT_S = 90.0
LOST_PERCENT = 10
ALL = (1, 2, 3)
CASES = (
    ("vanish", (1,)),
    ("reset", (2,)),
    ("lose", (3,)),
    ("drop", ALL),
    ("reset", ALL),
    ("lose", ALL),
    ("drop", (2,)),
    ("part", (3,)),
    ("lose", (1,)),
    ("sleep", (3,)),
)
"""What happens to which brokers."""


@fault(
    "F6",
    "brokers unreachable, one or all: packets dropped, connections reset, one packet in ten lost; one gone for good, asleep, or "
    "parted from the others alone",
)
async def unreachable(world: World) -> None:
    how, numbers = world.turn(CASES)
    firewall = Firewall()
    nodes = [node for node in world.brokers.nodes if node.number in numbers]
    hosts = [node.host for node in nodes]
    others = [node.host for node in world.brokers.nodes if node not in nodes]
    world.note("network", f"{how} {list(numbers)}")
    try:
        match how:
            case "drop" | "vanish":
                await asyncio.to_thread(firewall.drop, hosts)
            case "part":
                await asyncio.to_thread(firewall.part, hosts, others)
            case "sleep":
                for node in nodes:
                    os.kill(node.pid, signal.SIGSTOP)
            case "reset":
                await asyncio.to_thread(firewall.reset, hosts)
            case "lose":
                await asyncio.to_thread(firewall.lose, hosts, LOST_PERCENT)
        if how in UNTIL_OTHERS_DO:
            world.strike()
            async with asyncio.timeout(WITHOUT_IT_S):
                await asyncio.wait(world.recoveries)
        else:
            await world.pause(*FOR_S)
    finally:
        world.note("packets hit", await asyncio.to_thread(firewall.open))
        if how == "sleep":
            for node in nodes:
                os.kill(node.pid, signal.SIGCONT)
    if how not in UNTIL_OTHERS_DO:
        world.strike()
