"""F6: the network to the brokers drops, refuses or loses."""

import asyncio

from tests.faults.catalogue.fault import fault
from tests.faults.tools import Firewall
from tests.faults.world import World

FOR_S = (4.0, 9.0)
LOST_PERCENT = 10


@fault("F6", "brokers unreachable: packets dropped, connections reset, one packet in ten lost")
async def unreachable(world: World) -> None:
    firewall = Firewall()
    nodes = world.brokers.nodes
    hit = [world.random.choice(nodes)] if world.random.random() < 0.6 else nodes
    ports = [node.port for node in hit]
    how = world.random.choice(("drop", "reset", "lose"))
    world.notes["network"] = f"{how} {[node.number for node in hit]}"
    try:
        if how == "lose":
            await asyncio.to_thread(firewall.lose, ports, LOST_PERCENT)
        else:
            await asyncio.to_thread(getattr(firewall, how), ports)
        await world.pause(*FOR_S)
    finally:
        await asyncio.to_thread(firewall.open)
    world.strike()
