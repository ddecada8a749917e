"""Taking in for analytics: how many events a second the whole process keeps. They wait in a real Kafka topic before it starts,
and are told by the writer's own decisions; what it has kept is counted in a real PostgreSQL, and added up at the end.
"""

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from agents.writer import apply
from models.commands import Command
from models.provider import RefundStatus
from models.row import Row
from sandbox.testing import Servers
from streams.adapters.postgres.migrating import migrate
from streams.delivery import Outgoing
from streams.topics import DEAD_LETTERS, EVENTS
from streams.wire import events
from streams.wire.causes import cause_of
from tests.bench.report import Report, ratios, spread
from tests.bench.rounds import GIVE_UP_S, Drained, cpu, make_topics, running
from tests.models import samples
from tests.streams.adapters.servers import run_sql

PAYMENTS = 30_000
TOGETHER = 500
"""Payments whose stories are told at the same time: each comes in several batches."""
MERCHANTS = 20
LOOK_S = 0.2

REFUNDED: tuple[Command, ...] = (
    samples.create(),
    samples.answer(samples.CREATE_CALL, samples.CAPTURED, after_s=1),
    samples.refund(300),
    samples.answer(samples.refund_call(), samples.refunded(RefundStatus.SUCCEEDED, 300), after_s=50),
)
DECLINED: tuple[Command, ...] = (samples.create(), samples.declined())

SUMS = "SELECT sum((sums->>'gross')::numeric), sum((sums->>'refunded')::numeric) FROM analytics.rollups GROUP BY interval"


async def measure(servers: Servers, rounds: int, order: random.Random, report: Report) -> None:
    bootstrap = servers.kafka().bootstrap
    await make_topics(bootstrap, [EVENTS, DEAD_LETTERS])
    refunded = [order.random() < 0.9 for _ in range(PAYMENTS)]
    count = await _fill(bootstrap, refunded, order)
    expected = [(PAYMENTS * samples.AMOUNT_MINOR, sum(refunded) * 300)] * 3
    found = [await _round(servers, count, expected) for _ in range(rounds)]
    rates = [each.per_s for each in found]
    report.table(
        "Taking in for analytics",
        f"One process, {count:,} events of {PAYMENTS:,} payments of {MERCHANTS} merchants over an hour, prefilled, until facts "
        "and sums are kept; PostgreSQL and Kafka on the same cores. Median (least–most). Must: 10,000 events/s on two cores.",
        ["events/s", "of the must", "CPU µs per event, of the process"],
        [
            [
                spread(rates, 0),
                spread(ratios(rates, [10_000] * rounds)),
                spread([each.cpu_us for each in found], 0),
            ]
        ],
    )


async def _round(servers: Servers, count: int, expected: list[tuple[int, int]]) -> Drained:
    dsn = servers.postgres().fresh_database()
    await asyncio.to_thread(migrate, dsn)
    environment = {
        "MILLRACE_KAFKA_BOOTSTRAP": servers.kafka().bootstrap,
        "MILLRACE_POSTGRES_DSN": dsn,
        "MILLRACE_INTERNAL_KEY": "bench",
        "MILLRACE_GROUP_PREFIX": f"b{uuid4().hex[:8]}",
    }
    with running(("agents.analytics",), **environment) as (process,):
        (first_at, first), cpu_before = (0.0, 0), 0.0
        given_up_at = time.monotonic() + GIVE_UP_S
        while True:
            [(kept,)] = await asyncio.to_thread(run_sql, dsn, "SELECT count(*) FROM analytics.facts")
            now, used = time.monotonic(), cpu(process.pid)
            assert now < given_up_at and process.poll() is None, f"{kept} of {count}"
            if kept and not first:
                (first_at, first), cpu_before = (now, int(str(kept))), used
            if kept == count:
                break
            await asyncio.sleep(LOOK_S)
    assert run_sql(dsn, SUMS) == expected
    return Drained((count - first) / (now - first_at), (used - cpu_before) / (count - first) * 1e6)


async def _fill(bootstrap: str, refunded: Sequence[bool], order: random.Random) -> int:
    """How many events."""
    stories = {True: told(REFUNDED), False: told(DECLINED)}
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=20, max_batch_size=1 << 18)
    await producer.start()
    count = 0
    for start in range(0, len(refunded), TOGETHER):
        waiting = [of_another(stories[each], order) for each in refunded[start : start + TOGETHER]]
        while waiting:
            story = order.choice(waiting)
            out = next(story, None)
            if out is None:
                waiting.remove(story)
                continue
            await producer.send(out.topic, out.value, out.key, headers=list(out.headers))
            count += 1
    await producer.stop()
    return count


def told(commands: Sequence[Command]) -> list[Outgoing]:
    row: Row | None = None
    found: list[Outgoing] = []
    for command in commands:
        applied = apply(row, command, None, livemode=False)
        row = applied.row
        found += [events.write(said.event, said.payment, cause_of(command)) for said in applied.events]
    return found


def of_another(story: Sequence[Outgoing], order: random.Random) -> Iterator[Outgoing]:
    """The same of a payment of its own, of any merchant, at any minute of the hour."""
    new = {
        samples.PAYMENT.encode(): f"pay_{order.getrandbits(128):032x}".encode(),
        samples.MERCHANT.encode(): f"mer_{order.randrange(MERCHANTS)}".encode(),
        b"2026-01-31T12:00:": f"2026-01-31T12:{order.randrange(59):02}:".encode(),
    }

    def renamed(text: bytes) -> bytes:
        for old, name in new.items():
            text = text.replace(old, name)
        return text

    for out in story:
        assert out.key is not None and out.value is not None
        headers = [(name, renamed(value or b"")) for name, value in out.headers]
        yield Outgoing(out.topic, renamed(out.key), renamed(out.value), None, headers)
