"""The machine room of one story: servers, processes, and a supervisor who starts again what has ended. No faults here."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from streams.delivery import changelog_topic
from streams.topics import WRITER_TABLE, writer_group
from tests.simulation.broker import Broker
from tests.simulation.clock import Clock
from tests.simulation.composition import SETTINGS, main
from tests.simulation.door import Door
from tests.simulation.group import Group
from tests.simulation.loop import VirtualLoop
from tests.simulation.outside import Postgres, Redis
from tests.simulation.processes import Process
from tests.simulation.story import Story
from tests.simulation.stripe import Stripe

ROLES = ("writer", "writer", "gateway", "gateway", "projection", "projection", "web", "web")
AGAIN_LEAST_S, AGAIN_MOST_S = 0.2, 3.0
"""Until the supervisor has started again what ended."""
SKEWED, SKEW_MOST_S = 0.15, 300.0
"""The share of processes whose clock is wrong, and by how much at most."""
HOOK_S = 20.0
T = TypeVar("T")


class Room:
    def __init__(self, loop: VirtualLoop, clock: Clock, draw: random.Random, story: Story) -> None:
        self.loop, self.clock, self.draw, self.story = loop, clock, draw, story
        self.findings: list[str] = []
        self.broker = Broker(loop, clock, draw, story)
        self.postgres, self.redis = Postgres(loop, draw), Redis(loop, draw)
        self.stripe = Stripe(loop, draw, story, clock, self._deliver)
        self._groups: dict[str, Group] = {}
        self.processes: list[Process] = []
        for number, role in enumerate(ROLES):
            self.start(role, number)

    def group(self, name: str, topic: str) -> Group:
        if name not in self._groups:
            self._groups[name] = Group(name, topic, SETTINGS.partitions, self.broker, self.draw, self.story)
        return self._groups[name]

    def groups(self) -> dict[str, Group]:
        return self._groups

    def start(self, role: str, number: int) -> None:
        skew_s = self.draw.uniform(-SKEW_MOST_S, SKEW_MOST_S) if self.draw.random() < SKEWED else 0.0
        process = Process(role, number, self, skew_s)
        if len(self.processes) <= number:
            self.processes.append(process)
        else:
            self.processes[number] = process
        process.note("starts" + (f", its clock {skew_s:+.0f} s off" if skew_s else ""))
        process.run(main(role))

    def silent(self, process: Process) -> None:
        for group in self._groups.values():
            group.silent(process)

    def ended(self, process: Process) -> None:
        delay_s = self.draw.uniform(AGAIN_LEAST_S, AGAIN_MOST_S)
        self.loop.later(delay_s, self.start, process.role, process.number)

    # -- the door, from outside

    async def call(self, work: Callable[[Door], Awaitable[T]], timeout_s: float) -> T:
        """What one of the door's processes makes of it. Raises OSError where that ends, TimeoutError where nothing comes."""
        open_ = [process for process in self.processes if process.alive and process.door]
        if not open_:
            await asyncio.sleep(0.1)
            raise ConnectionRefusedError("nobody listens")
        process = self.draw.choice(open_)
        answered: asyncio.Future[T] = self.loop.create_future()

        async def handle() -> None:
            assert process.door
            try:
                result = await work(process.door)
            except Exception as error:
                if not answered.done():
                    answered.set_exception(error)
            else:
                if not answered.done():
                    answered.set_result(result)

        process.works()
        process.run(handle())
        process.callers.append(answered)
        async with asyncio.timeout(timeout_s):
            return await answered

    async def _deliver(self, body: bytes, signature: str) -> int:
        try:
            return await self.call(lambda door: door.hear(body, signature), HOOK_S)
        except TimeoutError:
            raise OSError("no answer") from None

    def jump(self, seconds: float) -> None:
        """So much time passes at once, for all, and at Stripe as well."""
        self.clock.jump(seconds)
        self.stripe.simulator.move_clock()

    @property
    def changelog(self) -> str:
        return changelog_topic(writer_group(SETTINGS), WRITER_TABLE)
