"""Topics as they are written on: committed records only, in no group. What the records say is not known here."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition


@asynccontextmanager
async def following(clients: dict[str, Any], fetch_wait_ms: int) -> AsyncIterator[AIOKafkaConsumer]:
    """`clients`: what every client takes. `fetch_wait_ms`: of an idle fetch; it returns with the first record all the same."""
    consumer = AIOKafkaConsumer(
        enable_auto_commit=False,
        isolation_level="read_committed",
        fetch_max_wait_ms=fetch_wait_ms,
        auto_offset_reset="none",  # where what it wants is lost it raises: nothing is left out unsaid
        **clients,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def begin_at_the_end(consumer: AIOKafkaConsumer, tps: Collection[TopicPartition]) -> None:
    """What is written from when this returns is read, and nothing before."""
    consumer.assign(tps)
    await consumer.seek_to_end(*tps)
    for tp in tps:
        await consumer.position(tp)


async def newest(consumer: AIOKafkaConsumer, wait_ms: int) -> list[Any]:
    """Records in the order of each partition; none where none came in time."""
    found = await consumer.getmany(timeout_ms=wait_ms)
    return [record for records in found.values() for record in records]
