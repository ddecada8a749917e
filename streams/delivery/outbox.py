"""Sends that gather: at once when the last flush is some milliseconds old, else when it will be.

A fixed linger of 5 ms added 15 ms to p50; without any gathering each record cost a request. For producers outside a
transaction: a gateway's outcomes, a follower's dead letters, a timer's commands.
"""

import asyncio
import time
from collections.abc import Callable, Iterable

from aiokafka import AIOKafkaProducer

from streams.delivery.records import Outgoing
from streams.delivery.sending import Parcels, parcel, send_all


class Outbox:
    def __init__(self, producer: Callable[[], AIOKafkaProducer], gather_s: float) -> None:
        self.producer = producer
        self.gather_s = gather_s
        self.flushed_at = 0.0
        self.parcels: Parcels = {}
        self.flushing: asyncio.Task[None] | None = None

    async def send(self, records: Iterable[Outgoing], home: int) -> None:
        """Returns when all of them are acknowledged by all in-sync replicas; raises when one was refused."""
        for record in records:
            parcel(self.parcels, record, home)
        if not self.parcels:
            return
        if self.flushing is None:
            self.flushing = asyncio.create_task(self._flush())
        await asyncio.shield(self.flushing)

    async def _flush(self) -> None:
        await asyncio.sleep(max(0.0, self.flushed_at + self.gather_s - time.monotonic()))
        self.flushed_at, self.flushing = time.monotonic(), None
        parcels, self.parcels = self.parcels, {}
        await asyncio.gather(*await send_all(self.producer(), parcels))
