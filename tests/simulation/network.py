"""Servers behind a network: a request comes some time after it was sent, is carried out whether or not its sender still lives,
and its answer takes time, too, or never comes. What is asked is not known here.
"""

import asyncio
import random
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from tests.simulation.loop import VirtualLoop

ONE_WAY_LEAST_S, ONE_WAY_MOST_S = 0.0003, 0.02
ON_ITS_WAY_OUT_S = 0.003
"""From a client's decision to send until its machine has sent."""
T = TypeVar("T")


def one_way_s(draw: random.Random, most_s: float = ONE_WAY_MOST_S) -> float:
    """Mostly near the least, now and then near the most."""
    return ONE_WAY_LEAST_S + (most_s - ONE_WAY_LEAST_S) * draw.random() ** 4


class Server:
    """`refusal`: what a client is told while it is away; None: the client waits, as aiokafka's do."""

    def __init__(
        self, loop: VirtualLoop, draw: random.Random, refusal: Callable[[], Exception] | None = None
    ) -> None:
        self.loop, self._draw, self._refusal = loop, draw, refusal
        self._last_arrival: dict[object, float] = {}
        self.away_until = 0.0
        self.answers_lost = 0.0
        """The share of answers that never come back, where the client may ask again."""

    @property
    def is_away(self) -> bool:
        return self.loop.time() < self.away_until

    async def ask(
        self, work: Callable[..., T], *given: Any, sender: object = None, may_be_lost: bool = False
    ) -> T:
        """What `work` makes of what is `given`. Requests of one `sender` arrive in order. Lost: never returns."""
        await asyncio.sleep(
            one_way_s(self._draw, ON_ITS_WAY_OUT_S)
        )  # here a process may still be stopped, or killed
        answer: asyncio.Future[Any] = self.loop.create_future()
        arrives = self.loop.time() + one_way_s(self._draw)
        if sender is not None:
            arrives = max(arrives, self._last_arrival.get(sender, 0.0) + 1e-6)
            self._last_arrival[sender] = arrives
        if may_be_lost and self._draw.random() < self.answers_lost:
            answer, nobodys = self.loop.create_future(), answer
            self.loop.later(arrives - self.loop.time(), self._carry_out, work, given, arrives, answer)
            return await nobodys  # type: ignore[no-any-return]
        self.loop.later(arrives - self.loop.time(), self._carry_out, work, given, arrives, answer)
        return await answer  # type: ignore[no-any-return]

    def _carry_out(
        self, work: Callable[..., Any], given: Any, arrived: float, answer: "asyncio.Future[Any]"
    ) -> None:
        if self.is_away and self._refusal is None:  # they are let in in the order in which they came
            wait_s = self.away_until + arrived * 1e-9 - self.loop.time()
            self.loop.later(wait_s, self._carry_out, work, given, arrived, answer)
            return
        try:
            if self.is_away and self._refusal:
                raise self._refusal()
            answering = partial(_answer, answer, work(*given), None)
        except Exception as failed:
            answering = partial(_answer, answer, None, failed)
        self.loop.later(one_way_s(self._draw), answering)


def _answer(answer: "asyncio.Future[Any]", result: object, error: Exception | None) -> None:
    if answer.done():
        return
    if error is None:
        answer.set_result(result)
    else:
        answer.set_exception(error)
