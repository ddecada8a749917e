"""Callers' rate limits: counted together by all doors in Redis, by each door for itself while Redis is away. No vendor here.

    Redis answers   ->  one limit for all processes
    Redis is away   ->  each process admits its share: the limit divided by how many processes there are (`MILLRACE_WEBS`)

A limit's debt only grows by what others take, so what this process remembers of it is a lower bound: who is refused by that
alone is refused without asking, and a flood costs Redis nothing.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from models.callers import Limit, Verdict
from models.errors import Unavailable
from streams.breaker import Breaker
from streams.rate_limits.gcra import Cells, admits, verdict

LEFT_ALONE_S = 0.5
"""After a failure, before Redis is asked again."""
NAMES_MAX = 20_000
"""Keys and merchants remembered, about 200 bytes each."""
TOGETHER_MAX = 128
"""Asked in one round trip: those that came while the last one was on its way."""


class Taking(NamedTuple):
    limits: Sequence[Limit]
    cost: int


class Leads(NamedTuple):
    """What was decided, and how far ahead of now each limit's time then was, in seconds."""

    admitted: bool
    leads_s: Sequence[float]


class SharedLimits(Protocol):
    async def take(self, takings: Sequence[Taking]) -> Sequence[Leads]:
        """One after the other, in one round trip. Raises Unavailable."""
        ...


class RateLimits:
    """Fulfils RateLimiter. `processes`: how many share the limits while Redis is away."""

    def __init__(
        self, shared: SharedLimits, processes: int, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._shared, self._processes, self._now = shared, max(1, processes), now
        self._known, self._alone = Cells(NAMES_MAX), Cells(NAMES_MAX)
        self._breaker = Breaker(LEFT_ALONE_S, now)
        self._waiting: list[tuple[Taking, asyncio.Future[Verdict]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def take(self, limits: Sequence[Limit], cost: int) -> Verdict:
        if refused := self._refused_already(limits, cost):
            return refused
        if not self._waiting and self._asking is None and not self._breaker.lets_through():
            return self._take_alone(Taking(limits, cost))
        answer: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._waiting.append((Taking(limits, cost), answer))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        return await answer

    def _refused_already(self, limits: Sequence[Limit], cost: int) -> Verdict | None:
        now = self._now()
        led = [(limit, self._known.lead_s(limit, now)) for limit in limits]
        if all(admits(limit, lead_s, cost) for limit, lead_s in led):
            return None
        return verdict(False, cost, led)

    def _take_alone(self, taking: Taking) -> Verdict:
        shares = [self._share(limit, taking.cost) for limit in taking.limits]
        return self._alone.take(shares, taking.cost, self._now())

    def _share(self, limit: Limit, cost: int) -> Limit:
        burst = max(limit.burst // self._processes, cost)
        return Limit(limit.name, limit.subject, limit.per_s / self._processes, burst)

    async def _ask(self) -> None:
        """Until nobody waits."""
        try:
            while self._waiting:
                asked, self._waiting = self._waiting[:TOGETHER_MAX], self._waiting[TOGETHER_MAX:]
                try:
                    said = await self._answers(asked)
                except Exception as bug:  # theirs who asked: nobody waits for ever
                    for _, answer in asked:
                        if not answer.done():
                            answer.set_exception(bug)
                    continue
                for (_, answer), each in zip(asked, said, strict=True):
                    if not answer.done():
                        answer.set_result(each)
        finally:
            self._asking = None

    async def _answers(self, asked: Sequence[tuple[Taking, "asyncio.Future[Verdict]"]]) -> list[Verdict]:
        takings, asked_at = [taking for taking, _ in asked], self._now()
        try:
            decided = await self._shared.take(takings)
        except Unavailable:
            self._breaker.failed()
            return [self._take_alone(taking) for taking in takings]
        self._breaker.succeeded()
        return [self._learn(taking, each, asked_at) for taking, each in zip(takings, decided, strict=True)]

    def _learn(self, taking: Taking, decided: Leads, asked_at: float) -> Verdict:
        led = list(zip(taking.limits, decided.leads_s, strict=True))
        for limit, lead_s in led:
            self._known.keep(limit, asked_at + lead_s)  # it was decided later than it was asked for
        return verdict(decided.admitted, taking.cost, led)
