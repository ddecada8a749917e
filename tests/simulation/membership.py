"""A member of a consumer group, as Faust's consumer is one: joins, polls, hands over, joins again. The role is the delivery's."""

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from streams.delivery import recovery
from streams.delivery.app import App
from streams.delivery.records import Partition
from streams.delivery.writer import Writer
from streams.settings import Settings
from streams.topics import DEAD_LETTERS
from streams.tracing import UNTRACED
from tests.simulation.processes import current
from tests.simulation.stand_ins import Engine, Event

COMMIT_S = 1.0
MOST_PER_POLL = 20
READ_COMMITTED = True
"""How the members of a group read."""


class Membership:
    """What App calls its consumer."""

    def __init__(self, app: App) -> None:
        self.process, self._app = current(), app
        self._engine: Engine = app.engine  # type: ignore[assignment]
        self._engine.consumer = self
        self._broker = self.process.room.broker
        self._group = self.process.room.group(app.group, app.role.topic)
        self._wake, self._is_called = asyncio.Event(), False
        self._at: dict[Partition, int] = {}
        self.flow_active = False

    def called(self) -> None:
        self._is_called = True
        self._wake.set()

    def stop_flow(self) -> None:
        self.flow_active = False

    def assignment(self) -> set[Partition]:
        return set(self._at)

    async def _commit(self, offsets: Mapping[Any, int]) -> bool:
        places = {Partition(*tp): to for tp, to in offsets.items()}
        return await self._group.commit(self, self._engine.consumer_generation_id, places)

    async def serve(self) -> None:
        app = self._app
        for call in app.preparations:
            await call()
        self._broker.listen(app.role.topic, self._wake)
        tasks = [asyncio.ensure_future(agent(self._engine.stream)) for agent in self._engine.agents]  # type: ignore[arg-type]
        tasks += [asyncio.ensure_future(app.run_timer(*timer)) for timer in app.timers]
        tasks.append(asyncio.ensure_future(self._commit_now_and_then()))
        while True:
            self._is_called = False
            generation, tps = await self._group.join(self)
            await self._begin(generation, tps)
            while not self._is_called:
                await self._poll()
            await app.hand_over()

    async def _begin(self, generation: int, tps: set[Partition]) -> None:
        """Fence those before, read back, find the place: in the order of the delivery."""
        app, self._at = self._app, {}
        self._engine.consumer_generation_id = generation
        await app.role.own(tps)
        if isinstance(app.role, Writer):
            await recovery.read_back(app.role)
        offsets = await self._broker.ask(lambda: dict(self._group.offsets))
        places = app.role.places()
        self._at = {tp: places.get(tp) or offsets.get(tp) or 0 for tp in sorted(tps)}
        self.flow_active = True
        self._engine.flow_control.resume()
        app.flows_again(generation)

    async def _poll(self) -> None:
        """What has come to any partition; else it is waited for."""
        self._wake.clear()
        found = False
        for tp, at in self._at.items():
            if self._broker.end(tp, READ_COMMITTED) <= at or self._app.held.full(tp):
                continue
            asked = tp, at, MOST_PER_POLL, READ_COMMITTED
            records, self._at[tp] = await self._broker.ask(self._broker.read, *asked)
            if records:
                batch = self._app.held.add(tp, records)
                told = SimpleNamespace(generation_id=self._engine.consumer_generation_id)
                self.process.works()
                self._engine.stream.queue.put_nowait(Event(batch, told))
            found = True
        if not found and not self._is_called:
            await self._wake.wait()
        elif self._app.role.gather_s:
            await asyncio.sleep(self._app.role.gather_s)

    async def _commit_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(COMMIT_S)
            if self.flow_active:
                await self._app.commit()


class AgentProcess:
    """As `streams.process.Process`, around a role in the simulated room."""

    def __init__(self, role: str, settings: Settings, stall_s: float = 60.0) -> None:
        self.settings, self.tracing, self.crashpoint = settings, UNTRACED, current().crashpoint
        self.registry = SimpleNamespace(register=lambda collector: None)
        self.app = App(
            f"{settings.group_prefix}-{role}",
            bootstrap=settings.kafka_bootstrap,
            dead_letters=DEAD_LETTERS,
            partitions=settings.partitions,
            drain_s=settings.drain_s,
            stall_s=stall_s,
        )

    def gauge(self, *_: object) -> None:
        pass

    async def serve(self) -> None:
        await Membership(self.app).serve()
