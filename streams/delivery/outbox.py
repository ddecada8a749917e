"""Sends that gather (`pace.py`), for producers outside a transaction: a gateway's outcomes, a follower's dead letters, a
timer's commands.
"""

import asyncio
import time
from collections.abc import Callable, Iterable

from aiokafka import AIOKafkaProducer

from streams.delivery.pace import Pace
from streams.delivery.records import Outgoing
from streams.delivery.sending import Parcels, parcel, send_all


class Outbox:
    def __init__(self, producer: Callable[[], AIOKafkaProducer], pace: Pace) -> None:
        self.producer = producer
        self.pace = pace
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
        await self.pace.turn()
        parcels, self.parcels, self.flushing = self.parcels, {}, None
        sent_at = time.monotonic()
        await asyncio.gather(*await send_all(self.producer(), parcels))
        self.pace.took(time.monotonic() - sent_at)
