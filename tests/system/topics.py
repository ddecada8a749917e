"""Topics read on from where the last reading ended, committed records only, as a consumer outside would."""

import asyncio
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

POLL_MS = 200
FETCH_BYTES = 4 << 20
READ_WITHIN_S = 60.0


class Topics:
    """Keeps its own place in each partition; nothing is committed to any group."""

    def __init__(self, bootstrap: str, names: list[str], partitions: int) -> None:
        self._bootstrap = bootstrap
        self.places = {TopicPartition(name, number): 0 for name in names for number in range(partitions)}
        self.ends: Mapping[TopicPartition, int] = {}

    async def read_on(self) -> list[ConsumerRecord]:
        """What was committed since the last time, each partition in its order. `ends` are then those of before. A broker that
        has just come back may not be asked at once.
        """
        async with asyncio.timeout(READ_WITHIN_S):
            while True:
                try:
                    return await self._read_on()
                except KafkaError as away:
                    if not away.retriable:
                        raise
                    await asyncio.sleep(POLL_MS / 1000)

    async def _read_on(self) -> list[ConsumerRecord]:
        found: list[ConsumerRecord] = []
        async with AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            isolation_level="read_committed",
            enable_auto_commit=False,
            max_partition_fetch_bytes=FETCH_BYTES,
        ) as consumer:
            consumer.assign(list(self.places))
            self.ends = await consumer.end_offsets(list(self.places))
            for tp, place in self.places.items():
                consumer.seek(tp, place)
            while left := [tp for tp in self.places if await consumer.position(tp) < self.ends[tp]]:
                for records in (await consumer.getmany(*left, timeout_ms=POLL_MS)).values():
                    found += records
            self.places = {tp: await consumer.position(tp) for tp in self.places}
        return found
