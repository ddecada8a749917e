"""An upstream service that sends commands as raw records: what the AsyncAPI document says, and nothing of ours.

No class of the service's writes these records: they are made by hand, as somebody else would.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid5

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from models.ids import NAMESPACE
from sandbox.testing import KafkaServer
from streams.wire import replies
from tests.schemas import violations
from tests.system.history import OK, History, Operation

COMMANDS = "payments.commands.v1"
TYPES = {
    "create": "payment.create.v1",
    "capture": "payment.capture.v1",
    "cancel": "payment.cancel.v1",
    "refund": "refund.create.v1",
    "resolve": "payment.resolve.v1",
}
PAUSE_S = 0.2
LARGEST_BYTES = 4 << 20  # of one request: the broker, not the client, is to refuse what is too large

Headers = list[tuple[str, bytes]]


class KafkaClient:
    """Ids are derived from a merchant and a key as at the HTTP door: one idempotency namespace for both."""

    def __init__(self, bootstrap: str, merchant: str, history: History) -> None:
        self.bootstrap, self.merchant, self.history = bootstrap, merchant, history
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap, acks="all", max_request_size=LARGEST_BYTES, request_timeout_ms=8_000
        )

    async def __aenter__(self) -> "KafkaClient":
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    async def create(self, key: str, reply_to: str | None = None, **body: Any) -> Operation:
        content = {"amount": 1999, "currency": "usd", "payment_method": "pm_card_visa", **body}
        return await self.command("create", key, f"pay_{self._uuid(key).hex}", content, reply_to)

    async def refund(self, payment_id: str, key: str, reply_to: str | None = None, **body: Any) -> Operation:
        content = {"refund": f"re_{self._uuid(key).hex}", **body}
        return await self.command("refund", key, payment_id, content, reply_to)

    async def command(
        self, type: str, key: str, payment_id: str, body: dict[str, Any], reply_to: str | None = None
    ) -> Operation:
        """Returns once all in-sync replicas have it; sends again until then."""
        id = str(self._uuid(key))
        operation = self.history.invoke(
            "kafka", type, self.merchant, payment_id, id, body, body.get("refund")
        )
        headers = envelope(id, TYPES[type], payment_id, reply_to)
        value = json.dumps({"merchant": self.merchant, **body}).encode()
        while operation.outcome is None:
            try:
                await self.send(payment_id.encode(), value, headers)
                self.history.end(operation, OK)
            except KafkaError:
                await asyncio.sleep(PAUSE_S)
        return operation

    async def send(
        self, key: bytes | None, value: bytes | None, headers: Headers, partition: int | None = None
    ) -> tuple[int, int]:
        """Any record at all, once. Where it lies: partition and offset. Raises KafkaError."""
        lies = await self._producer.send_and_wait(COMMANDS, value, key, partition=partition, headers=headers)
        return lies.partition, lies.offset

    def _uuid(self, key: str) -> Any:
        return uuid5(NAMESPACE, f"{self.merchant}\n{key}")


def envelope(id: str, type: str, subject: str, reply_to: str | None = None) -> Headers:
    """CloudEvents in binary mode."""
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": id,
        "ce_type": type,
        "ce_source": "system-tests",
        "ce_time": datetime.now(UTC).isoformat(),
        "ce_subject": subject,
        "content-type": "application/json",
    }
    if reply_to:
        attributes["reply_to"] = reply_to
    return [(name, value.encode()) for name, value in attributes.items()]


@asynccontextmanager
async def listening(kafka: KafkaServer, topic: str, partition: int = 0) -> AsyncIterator[AIOKafkaConsumer]:
    """To the replies on a topic of one's own, all of them that there ever were."""
    await kafka.create_topic(topic, partition + 1)
    async with AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest", isolation_level="read_committed"
    ) as consumer:
        consumer.assign([TopicPartition(topic, partition)])
        yield consumer


async def replies_on(consumer: AIOKafkaConsumer, command_ids: set[str], within_s: float) -> dict[str, Any]:
    """The first reply to each command on a topic that `consumer` reads, by command id."""
    found: dict[str, Any] = {}
    async with asyncio.timeout(within_s):
        while command_ids - found.keys():
            record = await consumer.getone()
            assert not violations(replies.TYPE, record.value)
            reply = json.loads(record.value or b"")
            found.setdefault(reply["command"], reply)
    return found
