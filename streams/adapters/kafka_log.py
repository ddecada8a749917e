"""A topic read from its beginning to where it ends, and later on from there: committed records only, in no group. What the
records say is not known here.
"""

from collections.abc import AsyncGenerator, Collection, Sequence
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

FETCH_BYTES = 4 << 20  # per partition and request; 1 MiB, the default, halves the speed
POLL_MS = 200  # to look at a partition again that brings nothing, such as one that ends in markers
FETCH_WAIT_MS = (
    50  # an idle fetch holds up for its whole wait whoever asks on its connection, where a topic ends, say
)
RECORDS_PER_READ = 2_000  # some megabytes of events


class NoSuchTopic(KafkaError):  # type: ignore[misc]
    """The message says what to do about it."""


class KafkaLog:
    """`async with`. Keeps its own place in each partition; several readings go on where the one before ended."""

    def __init__(self, clients: dict[str, Any], topic: str, may_be_missing: bool = False) -> None:
        """`clients`: what every client takes. `may_be_missing`: a topic that is not there has nothing to read."""
        self.topic, self._may_be_missing = topic, may_be_missing
        self.places: dict[int, int] = {}
        self._consumer = AIOKafkaConsumer(
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="none",  # where what it wants is lost it raises
            max_partition_fetch_bytes=FETCH_BYTES,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            **clients,
        )

    async def __aenter__(self) -> "KafkaLog":
        try:
            await self._consumer.start()
            tps = await self._partitions()
            begins = await self._consumer.beginning_offsets(tps)
        except BaseException:
            await self._consumer.stop()
            raise
        self.places = {tp.partition: begins[tp] for tp in tps}
        # once: aiokafka's fetcher, when it is closed while it takes up another assignment, hangs for good
        self._consumer.assign(tps)
        self._consumer.pause(*tps)
        return self

    async def _partitions(self) -> list[TopicPartition]:
        try:
            return await partitions_of(self._consumer._client, self.topic)
        except NoSuchTopic:
            if self._may_be_missing:
                return []
            raise

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def begin_at(self, at_ms: int) -> None:
        """Leave out what was written before that time, in ms since 1970."""
        asked = {TopicPartition(self.topic, number): at_ms for number in self.places}
        ends = await self._consumer.end_offsets(list(asked))
        for tp, found in (await self._consumer.offsets_for_times(asked)).items():
            self.places[tp.partition] = found.offset if found else ends[tp]

    async def unread(self, only: Collection[int] = ()) -> int:
        """How many places there are up to the end as it is now; markers of transactions take some. `only`: as in `read_on`."""
        ends = await self._consumer.end_offsets(
            [TopicPartition(self.topic, one) for one in only or self.places]
        )
        return sum(end - self.places[tp.partition] for tp, end in ends.items())

    async def read_on(self, only: Collection[int] = ()) -> AsyncGenerator[Sequence[Any], None]:
        """What was committed since the last time, up to the end as it is now, each partition in its order.

        `only`: these partitions; all of them if empty.
        """
        tps = [TopicPartition(self.topic, number) for number in (only or self.places)]
        ends = await self._consumer.end_offsets(tps)
        for tp in tps:
            self._consumer.seek(tp, self.places[tp.partition])
        self._consumer.resume(*tps)
        try:
            while left := [tp for tp in tps if self.places[tp.partition] < ends[tp]]:
                found = await self._consumer.getmany(*left, timeout_ms=POLL_MS, max_records=RECORDS_PER_READ)
                for tp in left:
                    self.places[tp.partition] = min(await self._consumer.position(tp), ends[tp])
                read = [each for tp, records in found.items() for each in records if each.offset < ends[tp]]
                if read:
                    yield read
        finally:
            self._consumer.pause(*tps)


def ms_before(at: datetime, earlier_s: float) -> int:
    """A time so much earlier, in ms since 1970, which is where Kafka's time begins."""
    return max(0, int((at.timestamp() - earlier_s) * 1000))


async def partitions_of(client: Any, topic: str) -> list[TopicPartition]:
    """`client`: aiokafka's, below every consumer and producer of its. Raises NoSuchTopic: a consumer that is asked for one that
    is not there waits for it.
    """
    cluster = await client.fetch_all_metadata()
    numbers = cluster.partitions_for_topic(topic)
    if not numbers:
        raise NoSuchTopic(f"there is no topic {topic}: millrace topics create")
    return [TopicPartition(topic, number) for number in sorted(numbers)]
