"""The unit of every ratio: the same work on bare aiokafka, without transactions, recovery or hand-over.

`python -m tests.bench.bare ROLE` with ROLE of: `toy` (copy one record to two topics), `drain` (the real decisions over
prefilled commands), `writer` and `gateway` (the whole chain, two hops). Never for production: a kill loses records.
"""

import asyncio
import os
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from agents.writer import apply
from models.commands import Origin, RecordOutcome
from models.ids import internal_command_id
from models.provider import Answered, CreateIntent, IntentSnapshot, IntentStatus, PspCall
from models.row import Row
from streams.delivery import Outgoing
from streams.delivery.memory import freeze
from streams.wire import cloudevents, events, replies, rows
from streams.wire.causes import cause_of
from streams.wire.commands import CommandCodec
from tests.bench.toy import toy_outgoing

BOOTSTRAP = os.environ.get("MILLRACE_KAFKA_BOOTSTRAP", "")
PREFIX = os.environ.get("BENCH_PREFIX", "bare")
PARTITIONS = int(os.environ.get("MILLRACE_PARTITIONS", "4"))
STRIPE = os.environ.get("MILLRACE_STRIPE_API_BASE", "")
IN_FLIGHT = 256
COMMANDS = os.environ.get("BENCH_COMMANDS", f"{PREFIX}.commands")
EVENTS, CHANGELOG = f"{PREFIX}.events", f"{PREFIX}.changelog"

Work = Callable[[Any], list[Outgoing]]


class Bare:
    """getmany, work, one batch per partition, wait for the acknowledgement."""

    def __init__(self, topic: str, group: str) -> None:
        self.consumer = AIOKafkaConsumer(
            topic,
            bootstrap_servers=BOOTSTRAP,
            group_id=f"{PREFIX}-{group}",
            enable_auto_commit=True,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=500,
        )
        self.producer = AIOKafkaProducer(
            bootstrap_servers=BOOTSTRAP, acks="all", max_batch_size=1 << 17, enable_idempotence=True
        )

    async def start(self) -> None:
        await self.consumer.start()
        await self.producer.start()
        freeze()

    async def send(self, outgoing: list[tuple[Outgoing, int]]) -> None:
        parcels: defaultdict[tuple[str, int], list[Outgoing]] = defaultdict(list)
        for out, home in outgoing:
            parcels[out.topic, home if out.partition is None else out.partition].append(out)
        sent = []
        for (topic, partition), items in parcels.items():
            batch = self.producer.create_batch()
            for item in items:
                headers = list(item.headers)
                if batch.append(key=item.key, value=item.value, timestamp=None, headers=headers) is None:
                    sent.append(await self.producer.send_batch(batch, topic, partition=partition))
                    batch = self.producer.create_batch()
                    batch.append(key=item.key, value=item.value, timestamp=None, headers=headers)
            sent.append(await self.producer.send_batch(batch, topic, partition=partition))
        await asyncio.gather(*sent)

    async def loop(self, work: Work) -> None:
        await self.start()
        while True:
            for tp, records in (await self.consumer.getmany(timeout_ms=1000, max_records=500)).items():
                await self.send([(out, tp.partition) for record in records for out in work(record)])


def deciding() -> Work:
    """The writer's own decisions over a dict."""
    codec = CommandCodec(PARTITIONS, b"bench")
    table: dict[bytes, Row] = {}

    def work(record: Any) -> list[Outgoing]:
        command, reply_to = codec.read(Seen(record))
        kept = table.get(record.key)
        applied = apply(kept, command, reply_to, livemode=False)
        if applied.row is None:
            return []
        table[record.key] = applied.row
        row = Outgoing(CHANGELOG, record.key, rows.write(applied.row))
        cause = cause_of(command)
        said = [
            events.write(each.event, each.payment, cause)._replace(topic=EVENTS) for each in applied.events
        ]
        answered = [
            replies.write(command.origin.payment_id, answer.address, answer.reply, command.origin.at)
            for answer in applied.answers
        ]
        return [row, *said, *answered]

    return work


class Seen:
    """aiokafka's record, as the codec reads one."""

    def __init__(self, record: Any) -> None:
        self._record = record
        self.timestamp_ms = record.timestamp

    def __getattr__(self, name: str) -> Any:
        return getattr(self._record, name)


async def gateway() -> None:
    """Many calls in flight, one plain POST each, the outcome back as a command."""
    bare, codec = Bare(EVENTS, "gateway"), CommandCodec(PARTITIONS, b"bench")
    await bare.start()
    slots = asyncio.Semaphore(IN_FLIGHT)
    running: set[asyncio.Task[None]] = set()
    outbox: list[tuple[Outgoing, int]] = []
    filled = asyncio.Event()

    async def flush() -> None:
        while await filled.wait():
            filled.clear()
            ready, outbox[:] = outbox[:], []
            await bare.send(ready)

    async def one(call: PspCall, asked_by: str, home: int, http: aiohttp.ClientSession) -> None:
        try:
            snapshot = await post(call, http)
        finally:
            slots.release()
        origin = Origin(
            internal_command_id(call.payment_id, asked_by), call.payment_id, call.merchant, call.requested_at
        )
        out = codec.write(RecordOutcome(origin, call.key, Answered(snapshot)))
        outbox.append((out._replace(topic=COMMANDS), home))
        filled.set()

    flushing = asyncio.create_task(flush())
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        while not flushing.done():
            for tp, records in (await bare.consumer.getmany(timeout_ms=1000, max_records=500)).items():
                for record in records:
                    call = events.call_in(Seen(record))
                    if call is not None:
                        await slots.acquire()
                        asked_by = cloudevents.required(record.headers, "ce_id")
                        task = asyncio.create_task(one(call, asked_by, tp.partition, http))
                        running.add(task)
                        task.add_done_callback(running.discard)


async def post(call: PspCall, http: aiohttp.ClientSession) -> IntentSnapshot:
    assert isinstance(call.ask, CreateIntent)
    money = call.ask.terms.money
    form = {
        "amount": str(money.amount_minor),
        "currency": money.currency,
        "payment_method": call.ask.terms.payment_method,
        "confirm": "true",
        "payment_method_types[]": "card",
        "metadata[payment_id]": call.payment_id,
    }
    headers = {"Authorization": "Bearer sk_test_bench", "Idempotency-Key": call.key}
    async with http.post(f"{STRIPE}/v1/payment_intents", data=form, headers=headers) as answer:
        intent = await answer.json()
    received = intent["amount_received"]
    return IntentSnapshot(
        intent["id"], IntentStatus.CAPTURED, money.currency, money.amount_minor, 0, received
    )


ROLES: dict[str, Callable[[], Awaitable[None]]] = {
    "toy": lambda: Bare(COMMANDS, "toy").loop(lambda record: toy_outgoing(record, EVENTS, CHANGELOG)),
    "drain": lambda: Bare(COMMANDS, "drain").loop(deciding()),
    "writer": lambda: Bare(COMMANDS, "writer").loop(deciding()),
    "gateway": gateway,
}


async def main() -> None:
    await ROLES[sys.argv[1]]()


if __name__ == "__main__":
    uvloop.run(main())
