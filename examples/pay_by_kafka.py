"""A payment through Kafka, as an upstream service makes one: produce a command, read its answer.

    .venv/bin/python examples/pay_by_kafka.py [order-6738]            with `make run` running

Names and shapes are those of web/documents/asyncapi.json. The same merchant and key are the same payment, through Kafka and
through HTTP.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from millrace_client import command_id_for, payment_id_for

ROOT = Path(__file__).resolve().parent.parent
ENDPOINTS = Path(os.environ.get("ENDPOINTS", ROOT / ".run/endpoints.json"))
REPLY_TO = TopicPartition("payments.replies.v1", 0)
ANSWERED_WITHIN_S = 20


async def main(kafka: str, merchant: str, order: str) -> None:
    command, payment = command_id_for(merchant, order), payment_id_for(merchant, order)
    body = {"merchant": merchant, "amount": 1999, "currency": "usd", "payment_method": "pm_card_visa"}
    headers = {
        "ce_specversion": "1.0",
        "ce_id": command,
        "ce_type": "payment.create.v1",
        "ce_source": "examples/pay_by_kafka",
        "content-type": "application/json",
        "reply_to": f"{REPLY_TO.topic}/{REPLY_TO.partition}",
    }
    replies = AIOKafkaConsumer(bootstrap_servers=kafka, isolation_level="read_committed")
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True)
    async with replies, producer, asyncio.timeout(ANSWERED_WITHIN_S):
        replies.assign([REPLY_TO])
        await replies.seek_to_end(REPLY_TO)
        await producer.send_and_wait(  # aiokafka partitions by murmur2, as it must be
            "payments.commands.v1",
            key=payment.encode(),
            value=json.dumps(body).encode(),
            headers=[(name, value.encode()) for name, value in headers.items()],
        )
        print(f"asked for {payment} (key {order!r})")
        async for record in replies:
            if dict(record.headers)["ce_causationid"].decode() == command:
                print(json.dumps(json.loads(record.value), indent=2))
                return


if __name__ == "__main__":
    if not ENDPOINTS.exists():
        sys.exit("nothing runs here: start `make run` first")
    told = json.loads(ENDPOINTS.read_text())
    key = sys.argv[1] if len(sys.argv) > 1 else f"order-{uuid4().hex[:8]}"
    asyncio.run(main(told["kafka"], told["merchants"][0]["id"], key))
