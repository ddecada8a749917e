"""Answers out of Kafka, for the door: this process reads one partition of the replies and wakes who waits.

Several processes may share a partition; each passes over what it did not ask. Nothing is committed and nothing is read
again: an answer that was missed is in the state, and the door looks there.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiokafka import TopicPartition

from models.commands import PublicCommand, fingerprint
from models.ports import Reply, ReplyAddress
from streams import background
from streams.adapters.kafka_following import begin_at_the_end, following, newest
from streams.delivery import Poison
from streams.topics import REPLIES
from streams.tracing import UNTRACED, Tracing, on_kafka
from streams.wire import cloudevents, replies

RESTART_PAUSE_S = 0.5
FETCH_WAIT_MS, POLL_MS = 500, 1_000

log = logging.getLogger("millrace.kafka")
Name = tuple[str, str]  # payment id, command id


@dataclass(frozen=True, slots=True, eq=False)
class KafkaWaiting:
    command: PublicCommand
    answered: "asyncio.Future[Reply]"

    def is_answered_by(self, reply: Reply) -> bool:
        """Not by what answers a stranger, or another content under the same id."""
        return reply.merchant in (None, self.command.origin.merchant) and (
            reply.fingerprint is None or reply.fingerprint == fingerprint(self.command)
        )

    async def __call__(self, timeout_s: float) -> Reply | None:
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.shield(self.answered)
        except TimeoutError:
            return None


class KafkaReplies:
    """`partition`: of the replies topic, this process's own."""

    def __init__(self, clients: dict[str, Any], partition: int, tracing: Tracing = UNTRACED) -> None:
        self._clients, self._partition = clients, TopicPartition(REPLIES, partition)
        self._tracing = tracing
        self._waiting: defaultdict[Name, set[KafkaWaiting]] = defaultdict(set)
        self._reading: asyncio.Task[None] | None = None
        self.is_ready = False

    @property
    def address(self) -> ReplyAddress:
        return ReplyAddress(REPLIES, self._partition.partition)

    def start(self) -> None:
        """Returns at once: it connects, and connects again, in the background."""
        failed = partial(log.warning, "replies cannot be read, trying again: %r")
        self._reading = background.for_ever(self._read, RESTART_PAUSE_S, failed)

    async def stop(self) -> None:
        await background.stop(self._reading)

    @contextmanager
    def expect(self, command: PublicCommand) -> Iterator[KafkaWaiting]:
        name = command.origin.payment_id, command.origin.command_id
        waiting = KafkaWaiting(command, asyncio.get_running_loop().create_future())
        self._waiting[name].add(waiting)
        try:
            yield waiting
        finally:
            self._waiting[name].discard(waiting)
            if not self._waiting[name]:
                del self._waiting[name]
            waiting.answered.cancel()

    async def _read(self) -> None:
        try:
            async with following(self._clients, FETCH_WAIT_MS) as consumer:
                await begin_at_the_end(consumer, [self._partition])
                self.is_ready = True
                while True:
                    for record in await newest(consumer, POLL_MS):
                        self._hand_over(record)
        finally:
            self.is_ready = False

    def _hand_over(self, record: Any) -> None:
        payment_id = (record.key or b"").decode("latin-1")
        command_id = cloudevents.raw(record.headers, "ce_causationid").decode("latin-1")
        waiting = self._waiting.get((payment_id, command_id))
        if not waiting:
            return
        try:
            reply = replies.read(record)
        except Poison as poison:
            log.warning("a reply that cannot be read: %s", poison)
            return
        trace, about = cloudevents.trace(record.headers), on_kafka("receive", REPLIES, record.key)
        tracing = self._tracing if trace else UNTRACED
        with tracing.span(f"receive {REPLIES}", "consumer", trace, about):
            for one in waiting:
                if one.is_answered_by(reply) and not one.answered.done():
                    one.answered.set_result(reply)
