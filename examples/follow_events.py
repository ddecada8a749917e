"""What happens to all payments, as a consumer of one's own reads it from Kafka: committed records, each event acted on once.

    .venv/bin/python examples/follow_events.py            with `make run` running; Ctrl-C stops it

It needs aiokafka and nothing of Millrace's: names and shapes are those of web/documents/asyncapi.json.
"""

import asyncio
import json
import os
import sys
from contextlib import suppress
from pathlib import Path

from aiokafka import AIOKafkaConsumer, ConsumerRecord

ROOT = Path(__file__).resolve().parent.parent
ENDPOINTS = Path(os.environ.get("ENDPOINTS", ROOT / ".run/endpoints.json"))


def follow(record: ConsumerRecord, seen: dict[str, int]) -> None:
    """`seen`: the last event of each payment. Keep it beside what you make of the events, in one transaction."""
    headers = {name: value.decode() for name, value in record.headers}
    payment, sequence = headers["ce_subject"], int(headers["ce_sequence"])
    last = seen.get(payment, sequence - 1)
    if sequence <= last:
        return  # read a second time, after a restart of this consumer
    if sequence != last + 1:
        raise RuntimeError(f"{payment}: {sequence} came after {last}")
    now = json.loads(record.value).get("payment") or {}  # as it stands after the event
    print(
        f"{headers['ce_time']}  {payment}  {sequence:>3}  {headers['ce_type']:<32} {now.get('status')}",
        flush=True,
    )
    seen[payment] = sequence


async def main(kafka: str) -> None:
    consumer = AIOKafkaConsumer(
        "payments.events.v1",
        bootstrap_servers=kafka,
        group_id="example-follower",
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    seen: dict[str, int] = {}
    async with consumer:
        async for record in consumer:
            follow(record, seen)
            await consumer.commit()  # only what was acted on


if __name__ == "__main__":
    if not ENDPOINTS.exists():
        sys.exit("nothing runs here: start `make run` first")
    with suppress(KeyboardInterrupt):
        asyncio.run(main(json.loads(ENDPOINTS.read_text())["kafka"]))
