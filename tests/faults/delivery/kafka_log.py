"""Reading topics from end to end, as a consumer outside would: committed records only."""

from typing import TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

Record: TypeAlias = ConsumerRecord  # of bytes and bytes


async def read_all(bootstrap: str, topic: str, partitions: int) -> list[Record]:
    """Every committed record, by partition and offset."""
    records: list[Record] = []
    tps = [TopicPartition(topic, partition) for partition in range(partitions)]
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed") as consumer:
        consumer.assign(tps)
        await consumer.seek_to_beginning(*tps)
        ends = await consumer.end_offsets(tps)
        left = {tp for tp in tps if ends[tp]}
        while left:
            for found in (await consumer.getmany(*left, timeout_ms=300)).values():
                records += found
            left = {tp for tp in left if await consumer.position(tp) < ends[tp]}
    return sorted(records, key=lambda record: (record.partition, record.offset))


async def ends_of(bootstrap: str, topic: str, partitions: int) -> dict[int, int]:
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        tps = [TopicPartition(topic, partition) for partition in range(partitions)]
        return {tp.partition: end for tp, end in (await consumer.end_offsets(tps)).items()}


async def commit_at(bootstrap: str, group: str, tp: TopicPartition, place: int) -> None:
    """As who has read so far, and has ended."""
    async with AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False
    ) as consumer:
        consumer.assign([tp])
        await consumer.commit({tp: place})


async def committed_of(bootstrap: str, group: str, topic: str) -> dict[int, int]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(group)
        return {tp.partition: at.offset for tp, at in offsets.items() if tp.topic == topic}
    finally:
        await admin.close()
