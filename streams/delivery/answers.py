"""Answers to whoever waits: after the commit, outside it, at most once; the state is what counts.

Where an answer goes was said by a client (`reply_to`), so nothing about it may be trusted: the topic may not exist, the
partition may not, its broker may be down. An answer that cannot go out within its time is dropped and counted; it holds
up no transaction and no drain, and other answers only where the same broker takes them. Its producer is its own and not
idempotent: an idempotent one never gives a batch up, and after one refused batch refuses its partition for good.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Coroutine

from aiokafka import AIOKafkaProducer

from streams.delivery import internals
from streams.delivery.metrics import Metrics
from streams.delivery.records import LARGEST_RECORD_BYTES, Outgoing, Partition, Settings, size_of
from streams.delivery.sending import Item, send_all
from streams.delivery.vital import watch

MOST_WAITING = 10_000  # answers per partition. One transaction may bring thousands; more than this: its reader is gone or
# slow, and the client reads the state instead
ANSWER_S = 5.0  # to deliver one batch; whoever waits longer has answered 202 by then
LOOK_AGAIN_S = 2.0  # between two looks for topics unknown so far: a made-up `reply_to` must not become a load

log = logging.getLogger("millrace.delivery")


class Answers:
    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.settings = settings
        self.metrics = metrics
        self.waiting: dict[Partition, deque[Item]] = {}
        self.known: set[Partition] = set()
        self.looked_at = float("-inf")
        self.unknown: list[Outgoing] = []  # to where nobody is known, until somebody has looked
        self.tasks: set[asyncio.Task[None]] = set()
        self.producer: AIOKafkaProducer | None = None
        self.stopping = False

    async def start(self) -> None:
        # One acknowledgement is not enough: a leader that was cut off gives it, before it learns that it leads no more.
        self.producer = AIOKafkaProducer(acks="all", request_timeout_ms=int(ANSWER_S * 1000), **self.settings)
        await self.producer.start()
        watch(internals.own_tasks(self.producer), lambda: not self.stopping)
        await self._look()

    def put(self, answers: list[Outgoing]) -> None:
        """Never waits, never raises."""
        for answer in answers:
            tp = Partition(answer.topic, answer.partition or 0)
            if size_of(answer) > LARGEST_RECORD_BYTES:
                self._dropped(1, tp, "too large")
            elif tp in self.known:
                self._queue(tp, Item(answer.key, answer.value, answer.headers))
            elif len(self.unknown) < MOST_WAITING:
                self.unknown.append(answer)
                if len(self.unknown) == 1:
                    self._begin(self._look())
            else:
                self._dropped(1, tp, "too many wait for topics that are not known")

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _queue(self, tp: Partition, item: Item) -> None:
        if (queue := self.waiting.get(tp)) is None:
            queue = self.waiting[tp] = deque()
            self._begin(self._deliver(tp, queue))
        if len(queue) < MOST_WAITING:
            queue.append(item)
        else:
            self._dropped(1, tp, "too many are waiting")

    async def _deliver(self, tp: Partition, queue: deque[Item]) -> None:
        try:
            while queue:
                items = list(queue)
                queue.clear()
                try:
                    async with asyncio.timeout(ANSWER_S):
                        await self._send(tp, items)
                    self.metrics.answers_sent += len(items)
                except Exception as exc:  # whatever it is: the state is what counts
                    self._dropped(len(items), tp, repr(exc))
        finally:
            del self.waiting[tp]

    async def _send(self, tp: Partition, items: list[Item]) -> None:
        assert self.producer is not None
        await asyncio.gather(*await send_all(self.producer, {tp: items}))

    async def _look(self) -> None:
        """Learn which topics there are, when the last look is old enough, and send on what waited for it. Asking aiokafka
        for one by name would wait for it, and stay for ever.
        """
        assert self.producer is not None
        await asyncio.sleep(max(0.0, self.looked_at + LOOK_AGAIN_S - time.monotonic()))
        try:
            async with asyncio.timeout(ANSWER_S):
                cluster = await self.producer.client.fetch_all_metadata()
            named = ((topic, cluster.partitions_for_topic(topic) or ()) for topic in cluster.topics())
            self.known = {
                Partition(topic, partition) for topic, partitions in named for partition in partitions
            }
        except Exception as exc:
            log.warning("could not look for topics: %r", exc)
        self.looked_at = time.monotonic()
        unknown, self.unknown = self.unknown, []
        for answer in unknown:
            tp = Partition(answer.topic, answer.partition or 0)
            if tp in self.known:
                self._queue(tp, Item(answer.key, answer.value, answer.headers))
            else:
                self._dropped(1, tp, "there is no such topic or partition")

    def _dropped(self, count: int, tp: Partition, why: str) -> None:
        self.metrics.answers_dropped += count
        log.debug("%d answers to %s/%d dropped: %s", count, *tp, why)

    async def stop(self) -> None:
        """What can still go out within a second goes out."""
        self.stopping = True
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=1.0)
        for task in self.tasks:
            task.cancel()
        if self.producer is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self.producer.stop()
