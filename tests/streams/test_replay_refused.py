"""A log that is not the whole of what the tables were made from is no reason to lose what they hold."""

import uuid

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from sandbox.testing import KafkaServer
from streams import topics
from streams.adapters.postgres import PostgresPaymentStore
from streams.adapters.postgres.migrating import migrate
from streams.operator import Refused
from streams.operator.analytics import ANALYTICS, rebuild
from streams.operator.replay import ANOTHERS, PROJECTION, replay
from streams.operator.whole_log import BEHEADED, CUT_SHORT
from streams.settings import Settings
from tests.faults.delivery.kafka_log import commit_at
from tests.streams.adapters.payments import change, view
from tests.streams.adapters.servers import run_sql

pytestmark = pytest.mark.real


@pytest.fixture
async def settings(kafka: KafkaServer, fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Of a system whose log is empty, and whose tables hold a payment."""
    monkeypatch.setattr(topics, "EVENTS", f"events-{uuid.uuid4().hex[:8]}")
    await kafka.create_topic(topics.EVENTS, 2)
    migrate(fresh_database)
    store = PostgresPaymentStore(fresh_database)
    await store.apply([change(view(1))])
    await store.close()
    prefix = topics.EVENTS.removeprefix("events-")
    return Settings(kafka_bootstrap=kafka.bootstrap, postgres_dsn=fresh_database, group_prefix=prefix)


async def lose_the_beginning(bootstrap: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        await producer.send_and_wait(topics.EVENTS, b"once an event", partition=1)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.delete_records({TopicPartition(topics.EVENTS, 1): RecordsToDelete(before_offset=1)})
    await admin.close()


async def read_further(bootstrap: str, group: str) -> None:
    """As of a leader that has more than the one that will be asked, since that one was cut off."""
    await commit_at(bootstrap, group, TopicPartition(topics.EVENTS, 1), 1)


@pytest.mark.parametrize("reason", [BEHEADED, CUT_SHORT, ANOTHERS])
async def test_tables_are_not_switched_for_less_than_they_were_made_from(
    settings: Settings, reason: str
) -> None:
    if reason == BEHEADED:
        await lose_the_beginning(settings.kafka_bootstrap)
    if reason == CUT_SHORT:
        await read_further(settings.kafka_bootstrap, f"{settings.group_prefix}-{PROJECTION}")
    with pytest.raises(Refused, match=reason):
        await replay(settings, dry_run=False)
    assert run_sql(settings.postgres_dsn, "SELECT count(*) FROM payments") == [(1,)]


async def test_analytics_is_not_made_of_less_than_it_was_made_from(settings: Settings) -> None:
    await read_further(settings.kafka_bootstrap, f"{settings.group_prefix}-{ANALYTICS}")
    with pytest.raises(Refused, match=CUT_SHORT):
        await rebuild(settings)
