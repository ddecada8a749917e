"""The commands of a run: every key and operation, some twice, some poison, at an even pace."""

import asyncio
import json
import random
import time
import uuid

from aiokafka import AIOKafkaProducer

GIVES_UP_MS = 180_000  # a client that holds out longer than any fault, on the slowest machine
TWICE = 0.03  # of the commands: the same id again is the same command
POISON_EVERY = 997  # commands; a prime, so that it meets all partitions
POISON = b"\xff not json"
POISON_HEADERS = [("ce_type", b"payment.create.v1"), ("ce_type", b"twice"), ("x", b"\xff")]


async def feed(
    bootstrap: str, topic: str, keys: int, per_key: int, seconds: float, rnd: random.Random
) -> int:
    """Send them all; the number of records acknowledged."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, enable_idempotence=True, linger_ms=5, request_timeout_ms=GIVES_UP_MS
    )
    await producer.start()
    todo = [(key, op) for op in range(per_key) for key in range(keys)]
    began_at, sent = time.monotonic(), []
    for number, (key, op) in enumerate(todo):
        command = {"id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{key}/{op}")), "type": "create", "op": op}
        for _ in range(2 if rnd.random() < TWICE else 1):
            sent.append(await producer.send(topic, json.dumps(command).encode(), key=b"k%d" % key))
        if number % POISON_EVERY == 5:
            sent.append(await producer.send(topic, POISON, key=b"k%d" % key, headers=POISON_HEADERS))
        await asyncio.sleep(max(0.0, began_at + seconds * number / len(todo) - time.monotonic()))
    await asyncio.gather(*sent)
    await producer.stop()
    return len(sent)
