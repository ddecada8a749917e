"""The door's process: the operations and the webhooks of `web` over the simulated Kafka, PostgreSQL and Redis. No HTTP."""

import asyncio
from datetime import datetime
from types import SimpleNamespace
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry

from models.callers import Principal
from models.ports import Heard
from streams.adapters.kafka_command_log import KafkaCommandLog
from streams.adapters.kafka_replies import KafkaReplies
from streams.adapters.stripe_notices import StripeNotices
from streams.delivery.records import Partition
from streams.payment_reads import PaymentReads
from streams.settings import Settings
from streams.topics import REPLIES
from streams.wire.commands import CommandCodec
from tests.simulation.outside import Cache, Remote
from tests.simulation.processes import current
from tests.simulation.stand_ins import Producer
from tests.simulation.stripe import WEBHOOK_SECRET
from web.metrics import DoorMetrics
from web.patience import Patience
from web.payments import Payments
from web.problems import Problem
from web.webhooks import admit_notice

METRICS = DoorMetrics(CollectorRegistry())
OPEN_MAX = 100


class Callers:
    """Everybody is whom they say."""

    async def still(self, authorization: str, operation: object) -> Principal:
        return Principal(authorization, "mr_test_", frozenset(), False)

    async def count(self, *_: object) -> None:
        pass


class Replies(KafkaReplies):
    """Reads the simulated topic; whom an answer wakes is the adapter's own."""

    async def _read(self) -> None:
        broker, news = current().room.broker, asyncio.Event()
        tp = Partition(*self._partition)
        at = broker.end(tp)
        broker.listen(REPLIES, news)
        while True:
            news.clear()
            records, at = broker.read(tp, at, OPEN_MAX)
            for record in records:
                self._hand_over(record)
            await news.wait()


class Reading:
    def __init__(self, reader: StripeNotices) -> None:
        self._reader = reader

    async def read(self, body: bytes, signature: str, now: datetime) -> Heard | None:
        return self._reader.read(body, signature, now)


class Door(NamedTuple):
    payments: Payments
    ports: Any
    reading: Reading

    async def hear(self, body: bytes, signature: str) -> int:
        """A webhook; the status it is answered with."""
        try:
            await admit_notice(self.ports, self.reading, METRICS, body, signature, None)  # type: ignore[arg-type]
        except Problem as problem:
            return problem.status
        return 200


async def serve_door(settings: Settings) -> None:
    process = current()
    room = process.room
    codec = CommandCodec(settings.partitions, settings.internal_secret)
    log = KafkaCommandLog({}, codec)
    log._producer = Producer(room.broker)
    replies = Replies({}, process.number % settings.partitions)
    replies.start()
    cache = Cache(room.redis)
    ports: Any = SimpleNamespace(
        commands=log,
        kept=log,
        replies=replies,
        reader=PaymentReads(Remote(room.postgres, room.postgres.payments), cache),
        known=cache,
    )
    payments = Payments(ports, Callers(), Patience(), METRICS, OPEN_MAX)  # type: ignore[arg-type]
    process.door = Door(payments, ports, Reading(StripeNotices([WEBHOOK_SECRET], livemode=False)))
