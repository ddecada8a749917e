"""How far the groups that read the events are behind, by the places they have committed. Read, and nothing else."""

from collections.abc import Mapping

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from streams.settings import Settings
from streams.topics import EVENTS

READERS = ("gateway", "projection", "notifications", "analytics")
"""The writer keeps its place in its changelog."""


async def behind(settings: Settings, ends: Mapping[int, int]) -> list[str]:
    """In words; none: all have done what there is. `ends`: of the events, by partition, behind the last one committed."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    await admin.start()
    try:
        groups = {name: f"{settings.group_prefix}-{name}" for name in READERS}
        places = {name: await admin.list_consumer_group_offsets(id) for name, id in groups.items()}
    finally:
        await admin.close()
    found = list[str]()
    for name, committed in places.items():
        for number, end in ends.items():
            place = committed.get(TopicPartition(EVENTS, number))
            if place is None or place.offset < end:
                found.append(f"{name} is at {place and place.offset} of {end} in {EVENTS}/{number}")
    return found
