"""Which payments have news, out of Kafka, for those who watch them: a name and a sequence, and nothing of what happened.

What happened is read where everything is read, under the same rules of who may see it. Nothing is read from Kafka while
nobody watches.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson

from models.errors import Unavailable
from streams import background
from streams.adapters.kafka_following import begin_at_the_end, following, newest
from streams.adapters.kafka_log import partitions_of
from streams.topics import EVENTS
from streams.wire import cloudevents

FETCH_WAIT_MS, POLL_MS = 500, 1_000
READY_WITHIN_S = 5.0
RESTART_PAUSE_S = 0.5
LINGER_S = 30.0
"""Read on for so long after the last watcher has gone: the next one need not wait for a consumer to start."""
NEWS_MAX = 10_000
"""Payments one watcher has not yet asked about, some 100 bytes each. Behind that it has lost its way, and is told so."""

log = logging.getLogger("millrace.kafka")


class KafkaListener:
    """One watcher's news. Fulfils Listener."""

    def __init__(self, merchant: str | None) -> None:
        self.merchant = merchant
        self._news: dict[str, tuple[int, int]] = {}
        self._came = asyncio.Event()
        self._lost = False

    async def news(self, timeout_s: float) -> dict[str, tuple[int, int]]:
        """By payment: the first and the last sequence since it was asked before; empty when there was none in time.

        Raises Unavailable when something may have been missed.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._came.wait()
        except TimeoutError:
            return {}
        if self._lost:
            raise Unavailable("news of payments may have been missed")
        news, self._news = self._news, {}
        self._came.clear()
        return news

    def hear(self, payment_id: str, sequence: int) -> None:
        if self._lost:
            return  # who does not come for it need not be kept any
        first, _ = self._news.get(payment_id, (sequence, sequence))
        self._news[payment_id] = first, sequence
        self._lost |= len(self._news) > NEWS_MAX
        self._came.set()

    def lose(self) -> None:
        self._lost = True
        self._came.set()


class KafkaSignals:
    """Fulfils Signals. `clients`: what every client of Kafka takes."""

    def __init__(self, clients: dict[str, Any]) -> None:
        self._clients = clients
        # by payment, for each event asks; None: who watch all of a merchant's
        self._listeners: defaultdict[str | None, set[KafkaListener]] = defaultdict(set)
        self._reading: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    @asynccontextmanager
    async def listen(self, merchant: str | None, payment_id: str | None) -> AsyncIterator[KafkaListener]:
        """What happens from now on to the payment, or to any of the merchant's (None: of anybody's). Raises Unavailable."""
        listener = KafkaListener(merchant)
        self._listeners[payment_id].add(listener)
        try:
            if self._reading is None or self._reading.done():
                self._reading = asyncio.create_task(self._read_while_watched())
            try:
                async with asyncio.timeout(READY_WITHIN_S):
                    await self._ready.wait()
            except TimeoutError:
                raise Unavailable("events cannot be watched now") from None
            yield listener
        finally:
            self._listeners[payment_id].discard(listener)
            if not self._listeners[payment_id]:
                del self._listeners[payment_id]

    async def stop(self) -> None:
        await background.stop(self._reading)

    async def _read_while_watched(self) -> None:
        while self._listeners:
            try:
                await self._read()
            except Exception as failed:  # whatever it is: without this task nobody hears of anything any more
                log.warning("events cannot be watched, trying again: %r", failed)
                await asyncio.sleep(RESTART_PAUSE_S)
            finally:
                if self._ready.is_set():
                    self._ready.clear()
                    for listeners in self._listeners.values():
                        for listener in listeners:
                            listener.lose()

    async def _read(self) -> None:
        """Until nobody has listened for a while."""
        async with following(self._clients, FETCH_WAIT_MS) as consumer:
            await begin_at_the_end(consumer, await partitions_of(consumer._client, EVENTS))
            self._ready.set()
            watched_at = asyncio.get_running_loop().time()
            while (now := asyncio.get_running_loop().time()) - watched_at < LINGER_S:
                if self._listeners:
                    watched_at = now
                for record in await newest(consumer, POLL_MS):
                    self._tell(record)

    def _tell(self, record: Any) -> None:
        payment_id = (record.key or b"").decode(errors="replace")
        concerned = [*self._listeners.get(payment_id, ())]
        if watching_all := self._listeners.get(None):
            owners = _owners(record.value)
            concerned += [each for each in watching_all if each.merchant is None or each.merchant in owners]
        if concerned:
            sequence = int(cloudevents.raw(record.headers, "ce_sequence") or b"0")
            for listener in concerned:
                listener.hear(payment_id, sequence)


def _owners(value: bytes | None) -> set[str]:
    """Who may have to do with it. Whether they may see it is not decided by this."""
    try:
        event = orjson.loads(value or b"")
        return {event["merchant"], (event["payment"] or event)["merchant"]}
    except (ValueError, KeyError, TypeError):
        return set()
