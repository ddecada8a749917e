"""The four truths, read and nothing else: Stripe's ledger, the event log, the writer's table, PostgreSQL; and the cache.

The log is replayed as it is read. What can never become right again (a gap, an event said twice, an illegal move) is
kept in `broken`, whatever comes later. Whether the truths agree is `verdict.py`'s to say.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
import psycopg2
from aiokafka import ConsumerRecord
from redis.asyncio import Redis

from models.errors import InvariantBroken
from models.events import Event
from models.row import Row
from models.transaction import Transaction, evolve
from streams import topics
from streams.adapters.redis_cache import PREFIX
from streams.delivery import POSITION, Poison, changelog_topic
from streams.wire import events, rows
from tests.schemas import violations
from tests.system.stack import System
from tests.system.topics import Topics

PAGE = 20_000  # rows of the ledger in one request
CONNECT_WITHIN_S = 5


@dataclass
class Stored:
    """PostgreSQL: payments and refunds by id, events by payment and sequence."""

    payments: dict[str, tuple[int, str, dict[str, Any]]]
    refunds: dict[tuple[str, str], dict[str, Any]]
    events: dict[tuple[str, int], tuple[str, str, dict[str, Any]]]


@dataclass
class Ledger:
    """Stripe: a row per payment intent, every movement of money, and what is still to be told."""

    payments: list[dict[str, Any]] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    webhooks_pending: int = 0


class Replayed:
    """Commands, events, dead letters and the table's changelog, replayed as far as they have been taken in."""

    def __init__(self, changelog: str) -> None:
        self.changelog = changelog
        self.commands: dict[tuple[int, int], ConsumerRecord] = {}
        self.dead: list[ConsumerRecord] = []
        self.stories: defaultdict[str, list[tuple[Event, events.Story]]] = defaultdict(list)
        self.replayed: dict[str, Transaction] = {}
        self.steps: defaultdict[str, list[Transaction]] = defaultdict(list)
        """As it was after each event, as far as they make sense."""
        self.table: dict[str, Row] = {}
        self.positions: dict[int, int] = {}
        self.broken: Counter[str] = Counter()
        self.settled_ms: dict[tuple[str, str], int] = {}
        """When a command was settled, by the log's clock, in ms since 1970: by payment and command id."""
        self.read: dict[tuple[str, int, int], int] = {}
        """What was at each topic, partition and offset, as a hash; the changelog, which is compacted, apart."""
        self._event_ids: set[str] = set()
        self._written: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)

    def take(self, record: ConsumerRecord) -> None:
        if record.topic != self.changelog:
            content = record.key, record.value, tuple(map(tuple, record.headers))
            self.read[record.topic, record.partition, record.offset] = hash(content)
        if record.topic == topics.COMMANDS:
            self.commands[record.partition, record.offset] = record
        elif record.topic == topics.DEAD_LETTERS:
            self.dead.append(record)
        elif record.topic == topics.EVENTS:
            self._event(record)
        else:
            self._row(record)

    def unread(self) -> list[str]:
        """Partitions of the commands that the writer has not read to their end."""
        return [
            f"commands/{number}: applied {self.positions.get(number, 0)} of {end}"
            for number, end in self.ends(topics.COMMANDS).items()
            if self.positions.get(number, 0) < end
        ]

    def ends(self, topic: str) -> dict[int, int]:
        """Behind the last record of each partition; the marker behind a transaction is none."""
        ends = dict[int, int]()
        for name, number, offset in self.read:
            if name == topic:
                ends[number] = max(ends.get(number, 0), offset + 1)
        return ends

    def missing_in(self, other: "Replayed") -> Iterator[str]:
        """What was read here and is not, or is otherwise, over there: what was told before it was safe."""
        for place, content in self.read.items():
            if other.read.get(place) != content:
                topic, partition, offset = place
                yield f"I2 {topic}/{partition}/{offset} is not what was read there before"
        for id, row in self.table.items():
            again = other.table.get(id)
            if again is None or again.transaction.sequence < row.transaction.sequence:
                yield f"I6 the row of {id} was at {row.transaction.sequence}, and is {again and again.transaction}"

    def written_ms(self) -> dict[str, int]:
        """By event: when its record was written, in ms since 1970, by its writer's clock. Left out are those with an older one
        behind them in the partition: one of the two clocks was wrong.
        """
        found = dict[str, int]()
        for written in self._written.values():
            oldest_behind = float("inf")
            for id, at_ms in reversed(written):
                if at_ms <= oldest_behind:
                    found[id] = oldest_behind = at_ms
        return found

    def _event(self, record: ConsumerRecord) -> None:
        try:
            event, story = events.replayed(record), events.read(record)
        except Poison as poison:
            self.broken[f"I11 {record.topic}/{record.partition}/{record.offset} is no event: {poison}"] += 1
            return
        for wrong in violations(story.type, record.value):
            self.broken[f"{event.payment_id} does not fit its schema: {wrong}"] += 1
        if event.id in self._event_ids:
            self.broken[f"I3 event {event.id} of {event.payment_id} is published twice"] += 1
        self._event_ids.add(event.id)
        self._written[record.partition].append((event.id, record.timestamp))
        try:
            self.replayed[event.payment_id] = evolve(self.replayed.get(event.payment_id), event)
            self.steps[event.payment_id].append(self.replayed[event.payment_id])
        except InvariantBroken as broken:
            self.broken[f"I5/I12 {broken}"] += 1
        self.stories[event.payment_id].append((event, story))
        if event.settles:
            self.settled_ms[event.payment_id, events.raw_command_id(event.settles)] = record.timestamp

    def _row(self, record: ConsumerRecord) -> None:
        key, value = record.key or b"", record.value
        if key == POSITION:
            position = int(value or b"0")
            if position < self.positions.get(record.partition, 0):
                self.broken[f"I5 the writer's place in partition {record.partition} went back"] += 1
            self.positions[record.partition] = position
            return
        assert value is not None, "the writer deletes no payment"
        row, before = rows.read(value), self.table.get(key.decode())
        if before is not None and row.transaction.sequence < before.transaction.sequence:
            self.broken[f"I5 the row of {key.decode()} went back"] += 1
        self.table[key.decode()] = row


class Log(Replayed):
    """As it is read from Kafka."""

    def __init__(self, system: System) -> None:
        settings = system.settings
        super().__init__(changelog_topic(topics.writer_group(settings), topics.WRITER_TABLE))
        names = [topics.COMMANDS, topics.EVENTS, topics.DEAD_LETTERS, self.changelog]
        self._topics = Topics(settings.kafka_bootstrap, names, settings.partitions)

    async def read_on(self) -> None:
        for record in await self._topics.read_on():
            self.take(record)


@contextmanager
def snapshot(dsn: str) -> Iterator[Any]:
    """A cursor that sees all of PostgreSQL as it was at one moment."""
    connecting = closing(psycopg2.connect(dsn, connect_timeout=CONNECT_WITHIN_S))
    with connecting as connection, connection, connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield cursor


async def stored(system: System) -> Stored:
    return await asyncio.to_thread(_stored, system.postgres.dsn)


def _stored(dsn: str) -> Stored:
    with snapshot(dsn) as cursor:
        cursor.execute("SELECT id, sequence, status, body::text FROM payments")
        payments = {id: (sequence, status, orjson.loads(body)) for id, sequence, status, body in cursor}
        cursor.execute("SELECT payment_id, id, body::text FROM refunds")
        refunds = {(payment, id): orjson.loads(body) for payment, id, body in cursor}
        cursor.execute("SELECT payment_id, sequence, id, type, body::text FROM payment_events")
        happened = {
            (payment, sequence): (id, type, orjson.loads(body))
            for payment, sequence, id, type, body in cursor
        }
    return Stored(payments, refunds, happened)


async def cached(system: System) -> dict[str, dict[str, Any]]:
    """What Redis would show of payments, by their ids."""
    found: dict[str, dict[str, Any]] = {}
    async with Redis.from_url(system.redis.url) as redis:
        keys = [key async for key in redis.scan_iter(f"{PREFIX}pay_*", count=PAGE)]
        values: list[Any] = await redis.mget(keys) if keys else []
        for key, value in zip(keys, values, strict=True):
            if value is not None:
                found[key.decode().removeprefix(PREFIX)] = orjson.loads(value.partition(b"\n")[2])
    return found


async def ledger(system: System) -> Ledger:
    async with aiohttp.ClientSession(system.stripe.url) as session:
        async with session.get("/_sim/health") as answer:
            pending = (await answer.json())["webhooks_pending"]
        payments = await _pages(session, "payments")
        return Ledger(payments, await _pages(session, "ledger", "entries"), pending)


async def _pages(
    session: aiohttp.ClientSession, name: str, member: str | None = None
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after, more = 0, True
    while more:
        async with session.get(f"/_sim/{name}?limit={PAGE}&after={after}") as answer:
            page = await answer.json()
        found += page[member or name]
        after, more = page["next"], page["has_more"]
    return found
