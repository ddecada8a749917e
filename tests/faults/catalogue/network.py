"""F6: the network to the brokers, and between them, drops, refuses or loses."""

import asyncio

from tests.faults.catalogue.fault import fault
from tests.faults.tools import Firewall
from tests.faults.world import World

FOR_S = (4.0, 9.0)
LOST_PERCENT = 10
ALL = (1, 2, 3)
CASES = (
    ("drop", (1,)),
    ("reset", (2,)),
    ("lose", (3,)),
    ("drop", ALL),
    ("reset", ALL),
    ("lose", ALL),
    ("drop", (2,)),
    ("reset", (3,)),
    ("lose", (1,)),
    ("drop", (3,)),
)
"""What happens to which brokers."""


@fault("F6", "brokers unreachable, one or all: packets dropped, connections reset, one packet in ten lost")
async def unreachable(world: World) -> None:
    how, numbers = world.turn(CASES)
    firewall = Firewall()
    hosts = [node.host for node in world.brokers.nodes if node.number in numbers]
    world.note("network", f"{how} {list(numbers)}")
    try:
        match how:
            case "drop":
                await asyncio.to_thread(firewall.drop, hosts)
            case "reset":
                await asyncio.to_thread(firewall.reset, hosts)
            case "lose":
                await asyncio.to_thread(firewall.lose, hosts, LOST_PERCENT)
        await world.pause(*FOR_S)
    finally:
        world.note("packets hit", await asyncio.to_thread(firewall.open))
    world.strike()
