"""`millrace dead-letters`: the newest of what could not be handled, where it came from, and why. Values are not shown."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from streams.kafka_clients import client_settings, reaching
from streams.logs import blotted
from streams.operator.printing import show
from streams.settings import Settings, load
from streams.topics import DEAD_LETTERS

READ_TIMEOUT_MS = 1_000


def list_newest(most: int, as_json: bool) -> None:
    show(asyncio.run(_newest(most)), as_json)


async def _newest(most: int) -> list[dict[str, Any]]:
    settings = load()
    with reaching(settings):
        partitions = await _partitions(settings)
        if not partitions:
            return []
        async with AIOKafkaConsumer(
            enable_auto_commit=False, isolation_level="read_committed", **client_settings(settings)
        ) as consumer:
            records = await _read(consumer, partitions, most)
    return [_row(record) for record in sorted(records, key=lambda r: r.timestamp, reverse=True)[:most]]


async def _partitions(settings: Settings) -> list[TopicPartition]:
    """As many as there are. (A consumer that is asked for one that is not there waits for it.)"""
    admin = AIOKafkaAdminClient(**client_settings(settings))
    try:
        await admin.start()
        (topic,) = await admin.describe_topics([DEAD_LETTERS])
        return [TopicPartition(DEAD_LETTERS, each["partition"]) for each in topic["partitions"]]
    finally:
        await admin.close()


async def _read(consumer: AIOKafkaConsumer, partitions: list[TopicPartition], most: int) -> list[Any]:
    consumer.assign(partitions)
    ends = await consumer.end_offsets(partitions)
    starts = await consumer.beginning_offsets(partitions)
    for partition in partitions:
        consumer.seek(partition, max(starts[partition], ends[partition] - 2 * most))
    records: list[Any] = []
    left = set(partitions)
    while left := {tp for tp in left if await consumer.position(tp) < ends[tp]}:
        for found in (await consumer.getmany(*left, timeout_ms=READ_TIMEOUT_MS)).values():
            records += found
    return records


def _row(record: Any) -> dict[str, Any]:
    headers = {name: bytes(value or b"").decode(errors="replace") for name, value in record.headers}
    return {
        "at": datetime.fromtimestamp(record.timestamp / 1000, UTC),
        "key": blotted((record.key or b"").decode(errors="replace"))[:60],
        "source": headers.get("source"),
        "code": headers.get("code"),
        "type": headers.get("ce_type"),
        "bytes": len(record.value or b""),
        "reason": blotted(headers.get("reason", "")),
    }
