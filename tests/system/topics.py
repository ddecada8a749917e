"""Topics read on from where the last reading ended, committed records only, as a consumer outside would."""

from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

POLL_MS = 200
FETCH_BYTES = 4 << 20


class Topics:
    """Keeps its own place in each partition; nothing is committed to any group."""

    def __init__(self, bootstrap: str, names: list[str], partitions: int) -> None:
        self._bootstrap = bootstrap
        self.places = {TopicPartition(name, number): 0 for name in names for number in range(partitions)}
        self.ends: Mapping[TopicPartition, int] = {}

    async def read_on(self) -> list[ConsumerRecord]:
        """What was committed since the last time, each partition in its order. `ends` are then those of before."""
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
            for tp in self.places:
                self.places[tp] = await consumer.position(tp)
        return found
