"""A consumer group's coordinator: who is in it, whose each partition is, and what was committed. Nobody reads or writes here.

A member of whom nothing has been heard for a session is out, and all others must come again; what one that is out commits is
refused. It finds out when it looks.
"""

import asyncio
import random
from collections.abc import Mapping
from typing import Protocol

from streams.delivery.records import Partition
from tests.simulation.network import Server
from tests.simulation.processes import Process
from tests.simulation.story import Story

SESSION_S = 10.0
REBALANCE_S = 30.0
"""For all to come again; who does not, is out."""


class Member(Protocol):
    @property
    def process(self) -> Process: ...

    def called(self) -> None:
        """It must hand over, and join again."""


Assigned = tuple[int, set[Partition]]
"""The generation, and what is a member's in it."""


class Group:
    def __init__(
        self, name: str, topic: str, partitions: int, server: Server, draw: random.Random, story: Story
    ) -> None:
        self.name, self._server, self._draw, self._story = name, server, draw, story
        self.partitions = [Partition(topic, number) for number in range(partitions)]
        self.offsets: dict[Partition, int] = {}
        self.generation = 0
        self._members: dict[Member, set[Partition]] = {}
        self._joining: dict[Member, asyncio.Future[Assigned]] = {}
        self._rebalance: asyncio.TimerHandle | None = None

    async def join(self, member: Member) -> Assigned:
        joined: asyncio.Future[Assigned] = self._server.loop.create_future()
        await self._server.ask(self._joins, member, joined)
        return await joined

    async def leave(self, member: Member) -> None:
        await self._server.ask(self._out, member)

    async def commit(self, member: Member, generation: int, offsets: Mapping[Partition, int]) -> bool:
        return await self._server.ask(self._committed, member, generation, offsets, sender=member)

    def _committed(self, member: Member, generation: int, offsets: Mapping[Partition, int]) -> bool:
        if member not in self._members or generation != self.generation:
            return False
        self.offsets |= offsets
        return True

    def _joins(self, member: Member, joined: "asyncio.Future[Assigned]") -> None:
        self._members.setdefault(member, set())
        self._joining[member] = joined
        self._call_all()
        if member.process.silent_since is not None:
            self.silent(member.process)

    def _out(self, member: Member) -> None:
        if member in self._members:
            del self._members[member]
            if joined := self._joining.pop(member, None):
                joined.set_result(
                    (self.generation, set())
                )  # nothing is its own, and it is called again at once
            member.called()
            self._call_all()

    def _call_all(self) -> None:
        if self._rebalance is None:
            self._rebalance = self._server.loop.call_later(REBALANCE_S, self._without_the_late)
            for member in self._members.keys() - self._joining.keys():
                member.called()
        if self._members.keys() == self._joining.keys():
            self._assign()

    def _without_the_late(self) -> None:
        for late in self._members.keys() - self._joining.keys():
            del self._members[late]
        self._assign()

    def _assign(self) -> None:
        assert self._rebalance is not None
        self._rebalance.cancel()
        self._rebalance = None
        self.generation += 1
        members = sorted(self._members, key=lambda member: member.process.name)
        self._draw.shuffle(members)
        for member in members:
            self._members[member] = set()
        for number, tp in enumerate(self.partitions if members else ()):
            self._members[members[number % len(members)]].add(tp)
        shares = {
            member.process.name: sorted(tp.partition for tp in tps) for member, tps in self._members.items()
        }
        self._story.note(self.name, f"generation {self.generation}: {shares}")
        joining, self._joining = self._joining, {}
        for member, joined in joining.items():
            if not joined.done():
                joined.set_result((self.generation, set(self._members[member])))

    def silent(self, process: Process) -> None:
        """Nothing is heard of it any more, from now on."""
        for member in self._members:
            if member.process is process:
                self._server.loop.later(SESSION_S, self._expire, member, process.silent_since)

    def _expire(self, member: Member, since: float | None) -> None:
        if since is not None and member.process.silent_since == since:
            self._out(member)
