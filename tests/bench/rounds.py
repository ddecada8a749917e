"""How a round is run: topics made anew, commands filled in, processes started and timed by what they wrote."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from models.commands import CreatePayment, Origin
from models.ids import command_uuid, payment_id
from models.money import Money
from models.ports import ReplyAddress
from models.terms import PaymentTerms
from streams.wire.commands import CommandCodec

PARTITIONS = 4
GIVE_UP_S = 120.0
CODEC = CommandCodec(PARTITIONS, b"bench")


@dataclass(frozen=True)
class Drained:
    """`per_s`: records a second between the first and the last of the output; `cpu_us`: of the process, per record."""

    per_s: float
    cpu_us: float


def command(
    reply_to: ReplyAddress | None = None,
) -> tuple[str, bytes, bytes, int, list[tuple[str, bytes | None]]]:
    """A new payment as a record: its command id, key, value, partition, headers."""
    id = command_uuid("mer_bench", uuid4().hex)
    origin = Origin(str(id), payment_id(id), "mer_bench", datetime.now(UTC))
    out = CODEC.write(CreatePayment(origin, PaymentTerms(Money(1999, "usd"), "pm_card_visa")), reply_to)
    assert out.key is not None
    assert out.value is not None
    assert out.partition is not None
    return origin.command_id, out.key, out.value, out.partition, list(out.headers)


async def make_topics(bootstrap: str, names: Sequence[str], compacted: Sequence[str] = ()) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    configs = {name: {"cleanup.policy": "compact"} for name in compacted}
    await admin.create_topics(
        [NewTopic(name, PARTITIONS, 1, topic_configs=configs.get(name, {})) for name in names]
    )
    await admin.close()


async def fill(bootstrap: str, topic: str, count: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=20, max_batch_size=1 << 18)
    await producer.start()
    for _ in range(count):
        _, key, value, partition, headers = command()
        await producer.send(topic, value, key, partition, headers=headers)
    await producer.flush()
    await producer.stop()


async def ends(bootstrap: str, topic: str) -> dict[TopicPartition, int]:
    """Where each partition of `topic` now ends."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    found = await consumer.end_offsets([TopicPartition(topic, number) for number in range(PARTITIONS)])
    await consumer.stop()
    return dict(found)


async def drained(
    bootstrap: str, before: dict[TopicPartition, int], count: int, process: subprocess.Popen[bytes]
) -> Drained:
    """Wait for `count` records behind `before`; the time is that between the first of them and the last."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed")
    await consumer.start()
    consumer.assign(list(before))
    for tp, end in before.items():
        consumer.seek(tp, end)
    seen, first, last, given_up_at = 0, float("inf"), 0.0, time.monotonic() + GIVE_UP_S
    while seen < count:
        assert time.monotonic() < given_up_at, f"{seen} of {count} after {GIVE_UP_S:g} s"
        assert process.poll() is None, f"a process ended with {process.returncode}"
        for records in (await consumer.getmany(timeout_ms=200)).values():
            seen += len(records)
            first = min(first, records[0].timestamp)
            last = max(last, records[-1].timestamp)
    await consumer.stop()
    cpu_s = cpu(process.pid)
    return Drained(count / max(last - first, 1) * 1000, cpu_s / count * 1e6)


def cpu(pid: int) -> float:
    """Seconds of CPU that a process and its children have used."""
    process = psutil.Process(pid)
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


@contextmanager
def running(*modules: tuple[str, ...], **environment: str) -> Iterator[list[subprocess.Popen[bytes]]]:
    """`python -m …` each, ended by pid on the way out."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            stdout=subprocess.DEVNULL,
        )
        for arguments in modules
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
