"""Acting on Kafka: an operator's word and the line about it in the audit, in one transaction. What is done is others' business.

All operators share one transactional id: who begins raises its epoch, and whoever began before is told so.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka.errors import InvalidProducerEpoch, ProducerFenced

from models.errors import Refused
from streams.adapters.kafka_log import partitions_of
from streams.delivery import Partition, partition_of
from streams.delivery.transactional_producer import TransactionalProducer
from streams.kafka_clients import client_settings, reaching
from streams.settings import Settings

TRANSACTION_TIMEOUT_MS = 10_000
"""Who reads committed records behind an open transaction waits for it: if this process dies in the midst of one, so long and no
longer."""


@asynccontextmanager
async def acting(settings: Settings) -> AsyncIterator[TransactionalProducer]:
    """Raises Refused when somebody else began meanwhile, and Unavailable."""
    id = f"{settings.group_prefix}-operator"
    producer = TransactionalProducer(id, TRANSACTION_TIMEOUT_MS, client_settings(settings))
    with reaching(settings):
        try:
            await producer.start()
            yield producer
        except (InvalidProducerEpoch, ProducerFenced):
            raise Refused("another operator is doing something at this moment: try again") from None
        finally:
            await producer.stop()


async def home(producer: TransactionalProducer, topic: str, key: bytes) -> Partition:
    """Where what has that key belongs."""
    return Partition(topic, partition_of(key, len(await partitions_of(producer.client, topic))))
