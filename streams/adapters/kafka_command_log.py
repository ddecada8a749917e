"""Commands into Kafka, and notices to be kept, for the door: durable on all in-sync replicas, or Unavailable, within seconds."""

import asyncio
import contextlib
import logging
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from models.commands import Command
from models.errors import Unavailable
from models.ports import ReplyAddress, Unfamiliar
from streams.delivery import Outgoing
from streams.delivery.internals import own_tasks
from streams.topics import COMMANDS, NOTICES
from streams.tracing import UNTRACED, Tracing, on_kafka
from streams.wire import cloudevents
from streams.wire.commands import CommandCodec

APPEND_TIMEOUT_S = 4.0
"""The door answers 503 within 5 s when Kafka is gone; what is still on its way then is the client's to repeat."""

RESTART_PAUSE_S = 0.5
PROBE_TIMEOUT_S = 1.0

log = logging.getLogger("millrace.kafka")


class KafkaCommandLog:
    """Fulfils CommandLog and NoticeLog with one producer. Not idempotent: a duplicate is the same command, and an idempotent
    producer that had to give up on a batch refuses its partition for good, while this one must recover by itself however
    long Kafka was away.
    """

    def __init__(self, clients: dict[str, Any], codec: CommandCodec, tracing: Tracing = UNTRACED) -> None:
        self._clients, self._codec, self._tracing = clients, codec, tracing
        self._producer: AIOKafkaProducer | None = None
        self._starting: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Returns at once: it connects, and connects again, in the background."""
        self._starting = asyncio.create_task(self._connect())

    async def stop(self) -> None:
        if self._starting:
            self._starting.cancel()
        producer, self._producer = self._producer, None
        if producer:
            await producer.stop()

    async def answers(self) -> bool:
        """Whether a broker answers now, asked as a probe asks: within PROBE_TIMEOUT_S."""
        if self._producer is None:
            return False
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                await self._producer.client.fetch_all_metadata()
        except (KafkaError, TimeoutError, OSError):
            return False
        return True

    async def append(self, command: Command, reply_to: ReplyAddress | None, trace: str | None = None) -> None:
        """Raises Unavailable when it is not durable, or in doubt, after APPEND_TIMEOUT_S."""
        about = on_kafka("send", COMMANDS, command.origin.payment_id.encode())
        with self._tracing.span(f"send {COMMANDS}", "producer", trace, about) as span:
            await self._send(self._codec.write(command, reply_to, span.traceparent))

    async def keep(self, notice: Unfamiliar) -> None:
        """Likewise."""
        headers = cloudevents.attributes(
            id=notice.notice_id,
            type=notice.notice_type,
            source="stripe",
            at=datetime.now(UTC),
            subject=notice.subject,
        )
        await self._send(Outgoing(NOTICES, notice.subject.encode(), notice.body, None, headers))

    async def _send(self, out: Outgoing) -> None:
        if self._producer is None:
            raise Unavailable("Kafka cannot be reached")
        try:
            async with asyncio.timeout(APPEND_TIMEOUT_S):
                sent = await self._producer.send(
                    out.topic, out.value, out.key, out.partition, headers=list(out.headers)
                )
                await sent
        except (KafkaError, TimeoutError) as failed:
            raise Unavailable(f"Kafka did not acknowledge: {failed!r}") from failed

    async def _connect(self) -> None:
        while True:
            producer = AIOKafkaProducer(
                acks="all",
                linger_ms=0,
                request_timeout_ms=int(APPEND_TIMEOUT_S * 1000),
                retry_backoff_ms=50,
                **self._clients,
            )
            try:
                await producer.start()
            except (KafkaError, OSError) as away:
                log.warning("Kafka cannot be reached yet: %r", away)
                await producer.stop()
                await asyncio.sleep(RESTART_PAUSE_S)
            else:
                self._producer = producer
                for task in own_tasks(producer).values():
                    task.add_done_callback(partial(self._has_ended, producer))
                return

    def _has_ended(self, producer: AIOKafkaProducer, task: "asyncio.Task[None]") -> None:
        """aiokafka only logs what ends a task of its own, and then refuses what comes, or lets it wait."""
        if self._producer is producer:  # it was not stopped
            self._producer = None
            self._starting = asyncio.create_task(self._connect_after(producer))

    async def _connect_after(self, ended: AIOKafkaProducer) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                await ended.stop()
        await self._connect()
