"""Merchants' webhooks on their way: what is due is leased, sent and settled, each endpoint in a lane of its own.

The schedule is the queue's, which outlives this process: whatever is under way when it dies comes again when the lease ends.

A lane holds LANE_MAX attempts at most, LANE_FIRST of an endpoint that is slow, and one when its endpoint fails, so that a dead
endpoint holds one place for as long as a time-out takes. What is leased always has a place, so nobody waits behind another's.
The queue knows who fails, too: a process that starts does not begin by trying all of them in full breadth.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence

from agents.keeping import keep, until_reached
from models.errors import InvariantBroken, Unavailable
from models.webhooks import DELIVERED, Answer, Delivery, Notice, Outcome, WebhookQueue, WebhookSender, outcome

LANE_FIRST, LANE_MAX = 8, 64
UNDER_WAY_MAX = 1024
"""Attempts of one process at once: sockets."""
HELD_UP_MAX = 512
"""Of them, those of endpoints that fail or are slow: the others find half the places free."""
SLOW_S = 2.0
"""An attempt that takes longer holds its place for as long as hundreds of others."""
LANE_KEPT_S = 30 * 3600.0
"""Without an attempt: longer than the longest pause between two, so that it is not forgotten that an endpoint fails."""
IDLE_S, BUSY_S = 0.25, 0.02
"""Between two looks at the queue: when nothing was due, and when something was."""
SETTLE_S = 0.02
"""Gathered so long before they are kept together: a commit costs the same for one as for fifty."""
AWAY_S = 1.0

log = logging.getLogger("millrace.notifications")


class Lane:
    """How many attempts an endpoint may have under way: more by each quick success, one after a failure."""

    def __init__(self) -> None:
        self.under_way, self.width, self.held_up = 0, LANE_FIRST, False
        self.used_at = time.monotonic()

    @property
    def room(self) -> int:
        return max(0, self.width - self.under_way)

    def ended(self, well: bool, took_s: float) -> None:
        self.under_way -= 1
        self.used_at = time.monotonic()
        slow = took_s > SLOW_S
        self.held_up = slow or not well
        self.width = min(LANE_FIRST if slow else LANE_MAX, self.width + 1) if well else 1


class Webhooks:
    """`told`: of each attempt, for the metrics."""

    def __init__(
        self,
        queue: WebhookQueue,
        sender: WebhookSender,
        told: Callable[[Outcome], object],
    ) -> None:
        self._queue, self._sender, self._told = queue, sender, told
        self._lanes: dict[str, Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: list[Outcome] = []
        self._draw = random.SystemRandom().random

    @property
    def under_way(self) -> int:
        return len(self._tasks)

    async def take_in(self, notices: Sequence[Notice]) -> None:
        """Returns when they are kept, however long the store is away; what it can never keep stops nobody else."""
        await keep(notices, lambda some: until_reached(lambda: self._queue.take_in(some), log), _tell)

    async def send_due(self) -> int:
        """Begins what is due and has a place; returns how many that are. Raises Unavailable."""
        places = UNDER_WAY_MAX - len(self._tasks)
        if places <= 0:
            return 0
        rooms = self._rooms()
        held_up = {id: lane.under_way for id, lane in self._lanes.items() if lane.held_up}
        left = max(0, HELD_UP_MAX - sum(held_up.values()))
        due = await self._queue.lease(rooms, LANE_FIRST, places, held_up, left)
        for delivery in due:
            lane = self._lanes.setdefault(delivery.endpoint, Lane())
            lane.under_way += 1
            lane.held_up = lane.held_up or delivery.failing
            task = asyncio.create_task(self._attempt(delivery))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(due)

    async def settle(self) -> None:
        """Keeps what has ended; what cannot be kept now is kept the next time. Raises Unavailable."""
        ended, self._ended = self._ended, []
        if not ended:
            return
        try:
            disabled = await self._queue.settle(ended)
        except BaseException:  # also when it is stopped in the midst: `drain` keeps it then
            self._ended = ended + self._ended
            raise
        for endpoint, why in disabled:
            log.error("webhook endpoint %s is disabled: %s", endpoint, why)

    async def run(self) -> None:
        """Until it is cancelled."""
        await asyncio.gather(self._send_on(), self._settle_on())

    async def drain(self, within_s: float) -> None:
        """What is under way may end; the rest comes again when its lease ends."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within_s)
        for task in self._tasks:
            task.cancel()
        try:
            await self.settle()
        except (Unavailable, InvariantBroken) as away:
            log.warning("attempts are not kept, and will be made again: %s", away)

    async def _send_on(self) -> None:
        while True:
            pause_s = AWAY_S
            try:
                pause_s = BUSY_S if await self.send_due() else IDLE_S
            except Exception as away:  # whatever it is: nobody else sends
                log.warning("webhooks that are due cannot be read: %s", away)
            await asyncio.sleep(pause_s)

    async def _settle_on(self) -> None:
        while True:
            pause_s = SETTLE_S
            try:
                await self.settle()
            except Exception as away:  # whatever it is: nobody else keeps them
                log.warning("attempts cannot be kept, trying again: %s", away)
                pause_s = AWAY_S
            await asyncio.sleep(pause_s)

    async def _attempt(self, delivery: Delivery) -> None:
        lane = self._lanes[delivery.endpoint]
        well, began = False, time.monotonic()
        try:
            answer: Answer = await self._sender.send(delivery)
            ended = outcome(delivery, answer, self._draw())
            well = ended.state == DELIVERED
            self._ended.append(ended)
            self._told(ended)
        finally:
            lane.ended(well, time.monotonic() - began)

    def _rooms(self) -> dict[str, int]:
        """Of the endpoints that are known here."""
        idle_since = time.monotonic() - LANE_KEPT_S
        self._lanes = {
            id: lane for id, lane in self._lanes.items() if lane.under_way or lane.used_at > idle_since
        }
        return {id: lane.room for id, lane in self._lanes.items()}


def _tell(notice: Notice, refusal: InvariantBroken) -> None:
    log.critical("event %s cannot be sent on: %s", notice.event_id, refusal)
