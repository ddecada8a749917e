"""Topics read up to where they end now, committed records only, by somebody who looks: nothing is committed or joined."""

import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from streams.kafka_clients import client_settings, reaching
from streams.settings import Settings

READ_TIMEOUT_MS = 1_000
FETCH_BYTES = 4 << 20  # of one partition at a time: whole topics are read
PROGRESS_EVERY_S = 2.0  # what takes no longer says nothing of itself

Places = Mapping[TopicPartition, int]


async def partitions(settings: Settings, topic: str) -> list[TopicPartition]:
    """As many as there are. (A consumer that is asked for one that is not there waits for it.) Raises Unavailable."""
    admin = AIOKafkaAdminClient(**client_settings(settings))
    with reaching(settings):
        try:
            await admin.start()
            (described,) = await admin.describe_topics([topic])
            return [TopicPartition(topic, each["partition"]) for each in described["partitions"]]
        finally:
            await admin.close()


async def records(
    settings: Settings, tps: Sequence[TopicPartition], since_ms: int | None = None
) -> AsyncGenerator[Any, None]:
    """All that lies there now, or has come since then (in ms since 1970), in order per partition. Who stops before the end
    closes it (`aclosing`). Raises Unavailable.
    """
    if not tps:
        return
    async with _consumer(settings) as consumer:
        starts, ends = dict(await consumer.beginning_offsets(tps)), dict(await consumer.end_offsets(tps))
        if since_ms is not None:
            later = await consumer.offsets_for_times(dict.fromkeys(tps, since_ms))
            starts = {tp: ends[tp] if later[tp] is None else later[tp].offset for tp in tps}
        async with aclosing(_between(consumer, starts, ends)) as found:
            async for record in found:
                yield record


async def record_at(settings: Settings, tp: TopicPartition, offset: int) -> Any | None:
    """None: it is not there, or not any more."""
    async with _consumer(settings) as consumer:
        starts, ends = await consumer.beginning_offsets([tp]), await consumer.end_offsets([tp])
        if not starts[tp] <= offset < ends[tp]:
            return None
        found = [record async for record in _between(consumer, {tp: offset}, {tp: offset + 1})]
        return next((record for record in found if record.offset == offset), None)


@asynccontextmanager
async def _consumer(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    """To be assigned once: aiokafka's fetcher, when it is closed while it takes up another assignment, hangs for good."""
    with reaching(settings):
        async with AIOKafkaConsumer(
            enable_auto_commit=False,
            isolation_level="read_committed",
            max_partition_fetch_bytes=FETCH_BYTES,
            **client_settings(settings),
        ) as consumer:
            yield consumer


async def _between(consumer: AIOKafkaConsumer, starts: Places, ends: Places) -> AsyncGenerator[Any, None]:
    """From each start up to its end; says how far it is when it takes long."""
    consumer.assign(list(starts))
    for tp, start in starts.items():
        consumer.seek(tp, start)
    in_all, told_at, read = sum(ends[tp] - starts[tp] for tp in starts), time.monotonic(), 0
    left = set(starts)
    while left := {tp for tp in left if await consumer.position(tp) < ends[tp]}:
        for tp, found in (await consumer.getmany(*left, timeout_ms=READ_TIMEOUT_MS)).items():
            for record in found:
                if record.offset < ends[tp]:
                    yield record
            read += len(found)
        if time.monotonic() - told_at > PROGRESS_EVERY_S:
            told_at = time.monotonic()
            print(f"read {read} of at most {in_all} records …", file=sys.stderr)
