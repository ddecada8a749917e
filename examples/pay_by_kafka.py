"""A payment through Kafka, as an upstream service makes one: produce a command, read its answer and its events.

    .venv/bin/python examples/pay_by_kafka.py            with `make run` running

It needs aiokafka and nothing of Millrace's own code: names and shapes are those of docs/asyncapi.json.
"""

import asyncio
import json
import sys
from pathlib import Path
from uuid import UUID, uuid4, uuid5

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

ENDPOINTS = Path(__file__).resolve().parent.parent / ".run" / "endpoints.json"
NAMESPACE = UUID("6f1f9c1e-2a64-5c0f-9d54-0b8f5f3c7a11")  # published in the AsyncAPI document
REPLY_TO = TopicPartition("payments.replies.v1", 0)
ANSWERED_WITHIN_S = 20


async def main() -> None:
    if not ENDPOINTS.exists():
        sys.exit("nothing runs here: start `make run` first")
    endpoints = json.loads(ENDPOINTS.read_text())
    merchant = endpoints["merchants"][0]["id"]
    idempotency_key = sys.argv[1] if len(sys.argv) > 1 else f"order-{uuid4().hex[:8]}"

    # The same merchant and key are the same payment, through Kafka and through HTTP.
    command = uuid5(NAMESPACE, f"{merchant}\n{idempotency_key}")
    payment = f"pay_{command.hex}"

    replies = AIOKafkaConsumer(bootstrap_servers=endpoints["kafka"], isolation_level="read_committed")
    producer = AIOKafkaProducer(bootstrap_servers=endpoints["kafka"], acks="all", enable_idempotence=True)
    await replies.start()
    await producer.start()  # aiokafka partitions by murmur2, as it must be
    try:
        replies.assign([REPLY_TO])
        await replies.seek_to_end(REPLY_TO)
        await producer.send_and_wait(
            "payments.commands.v1",
            key=payment.encode(),
            value=json.dumps(
                {"merchant": merchant, "amount": 1999, "currency": "usd", "payment_method": "pm_card_visa"}
            ).encode(),
            headers=[
                ("ce_specversion", b"1.0"),
                ("ce_id", str(command).encode()),
                ("ce_type", b"payment.create.v1"),
                ("ce_source", b"examples/pay_by_kafka"),
                ("content-type", b"application/json"),
                ("reply_to", f"{REPLY_TO.topic}/{REPLY_TO.partition}".encode()),
            ],
        )
        print(f"asked for {payment} (key {idempotency_key!r})")
        async with asyncio.timeout(ANSWERED_WITHIN_S):
            async for record in replies:
                if dict(record.headers)["ce_causationid"].decode() == str(command):
                    print(json.dumps(json.loads(record.value), indent=2))
                    return
    finally:
        await producer.stop()
        await replies.stop()


if __name__ == "__main__":
    asyncio.run(main())
