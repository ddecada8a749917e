"""PostgreSQL restored to an older moment, as docs/operating.md says it is done: payments, sums, webhooks and mails since
then come back from the log, and what PostgreSQL alone had is as it was then.
"""

import asyncio
import time
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg2
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError

from sandbox.postgres import DATABASE
from streams.adapters.postgres import issuing
from streams.topics import EVENTS
from tests.streams.adapters.receiver import Receiver, receiving
from tests.streams.adapters.servers import run_sql
from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.operator import millrace, python, told
from tests.system.stack import System
from tests.system.test_mails import mailbox
from tests.system.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(300)]

WITHIN_S = 60.0
A_LITTLE_S = 2.0
PAYMENTS = 6
ENDED = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{DATABASE}'"
COPIED = f"CREATE DATABASE as_it_was TEMPLATE {DATABASE}"


async def test_what_the_log_has_comes_back_and_what_arrived_twice_has_one_id(
    system: System, http: HttpClient, inquest: Inquest
) -> None:
    began_at = datetime.now(UTC)
    customer = f"customer-{uuid4().hex[:12]}@mail.example"
    async with receiving() as receiver:
        merchant = system.merchants[0]["id"]
        (endpoint,) = await told(system, "webhooks", "create", merchant, f"{receiver.url}/restored")
        receiver.secrets["/restored"] = endpoint["secret"]
        api_key, revoked = issuing.create_key(system.postgres.dsn, merchant, actor="a test")
        before = await _pay(http, "before")
        await inquest.hold()
        moment_s = time.time()
        _server(
            system,
            f"ALTER DATABASE {DATABASE} ALLOW_CONNECTIONS false",
            ENDED,
            COPIED,
            f"ALTER DATABASE {DATABASE} ALLOW_CONNECTIONS true",
        )

        after = await _pay(http, "after", receipt_email=customer)
        await http.refund(before[0], "restored-refund", amount=100)
        issuing.revoke_key(system.postgres.dsn, revoked.prefix, actor="a test")
        await inquest.hold()
        news = await _events_of(http, after)
        await until(lambda: news <= _arrived(receiver).keys(), WITHIN_S, "every event arrives")
        await until(lambda: len(mailbox(system, customer)) == PAYMENTS, WITHIN_S, "every receipt is there")
        told_once = {event: ids for event, ids in _arrived(receiver).items() if event in news}

        await asyncio.to_thread(system.service.stop)
        _server(
            system, f"DROP DATABASE {DATABASE} WITH (FORCE)", f"ALTER DATABASE as_it_was RENAME TO {DATABASE}"
        )
        assert run_sql(system.postgres.dsn, "SELECT 1 FROM payments WHERE id = %s", after[0]) == []
        migrated = await python(
            "-m", "streams.adapters.postgres", "migrate", environment=system.environment()
        )
        assert migrated.code == 0, migrated.err
        (key,) = [each for each in issuing.keys(system.postgres.dsn) if each.prefix == revoked.prefix]
        assert key.revoked_at is None, "PostgreSQL alone knew"
        issuing.revoke_key(system.postgres.dsn, key.prefix, actor="a test")
        for command in (("replay",), ("analytics", "rebuild")):
            ran = await millrace(system, *command)
            assert ran.code == 0, ran.err
        await _put_back(system, "notifications", moment_s - A_LITTLE_S)
        await asyncio.to_thread(system.service.start)
        http.doors = system.service.doors  # other tests' service may have taken an address meanwhile

        await inquest.hold()
        assert await inquest.misadded() == []
        ran = await millrace(system, "reconcile", "--json", "--since", began_at.isoformat())
        assert (ran.code, ran.document["differences"]) == (0, []), ran.err
        for payment_id in (*before, *after):
            assert (await http.get(f"/v1/payments/{payment_id}"))[0] == 200
        status, _, _ = await http.once("GET", "/v1/payments?limit=1", {"Authorization": f"Bearer {api_key}"})
        assert status == 401
        await until(
            lambda: all(len(_arrived(receiver)[event]) > len(ids) for event, ids in told_once.items()),
            WITHIN_S,
            "every event since then arrives again",
        )
        assert all(len(set(ids)) == 1 for ids in _arrived(receiver).values())
        await until(lambda: len(mailbox(system, customer)) == 2 * PAYMENTS, WITHIN_S, "so do mails")
        await told(system, "webhooks", "delete", merchant, endpoint["id"])


async def _pay(http: HttpClient, name: str, **body: Any) -> list[str]:
    made = await asyncio.gather(
        *(http.create(f"restored-{name}-{number}", **body) for number in range(PAYMENTS))
    )
    return [payment.payment_id for payment in made]


async def _events_of(http: HttpClient, payments: list[str]) -> set[str]:
    pages = await asyncio.gather(*(http.get(f"/v1/payments/{id}/events") for id in payments))
    return {event["id"] for _, page in pages for event in page["data"]}


def _arrived(receiver: Receiver) -> dict[str, list[str]]:
    """The ids that each event came under."""
    ids = defaultdict[str, list[str]](list)
    for _, id, payload in receiver.got:
        ids[payload["data"]["id"]].append(id)
    return ids


def _server(system: System, *statements: str) -> None:
    """Each for itself, from beside the database that they are about."""
    connection = psycopg2.connect(system.postgres.dsn, dbname="postgres")
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    finally:
        connection.close()


async def _put_back(system: System, role: str, moment_s: float) -> None:
    """What `kafka-consumer-groups.sh --reset-offsets --to-datetime` does to a group without members."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=system.kafka.bootstrap,
        group_id=f"{system.settings.group_prefix}-{role}",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(EVENTS, number) for number in range(system.settings.partitions)]
        consumer.assign(partitions)
        found = await consumer.offsets_for_times(dict.fromkeys(partitions, int(moment_s * 1000)))
        ends = await consumer.end_offsets(partitions)
        places = {each: at.offset if (at := found[each]) else ends[each] for each in partitions}

        async def committed() -> bool:
            try:
                await consumer.commit(places)
            except CommitFailedError:
                return False  # who has just been stopped counts as a member till its session has ended
            return True

        await until(committed, WITHIN_S, "the group has no members")
    finally:
        await consumer.stop()
