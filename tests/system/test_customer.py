"""What customers want follows from the seed alone, in whichever order they are served."""

import asyncio
import json
import os
from pathlib import Path
from random import Random
from typing import Any

from tests.system.customer import Customer
from tests.system.history import OK, Attempt, History, Operation
from tests.system.http_client import HttpClient
from tests.system.kafka_client import KafkaClient

CUSTOMERS = 60


class Shop(HttpClient):
    """Takes everything, each time a moment later."""

    def __init__(self, merchant: str, history: History, haste: Random) -> None:
        super().__init__(["http://nowhere"], {"id": merchant, "api_key": ""}, history)
        self._haste = haste

    async def _command(
        self, type: str, key: str, payment_id: str, body: dict[str, Any], wait_s: int | None
    ) -> Operation:
        asked = self.history.begin("http", type, self.merchant["id"], key, body, payment_id)
        await asyncio.sleep(self._haste.uniform(0.0, 0.01))
        asked.answer = {"id": payment_id, "status": "captured", "code": "idempotency_key_reused"}
        asked.attempts.append(Attempt("nowhere", 0.0, 0.0, 201))
        self.history.end(asked, OK)
        return asked

    async def look(self, method: str, path: str, key: str) -> int | None:
        return None

    async def shown(self, path: str) -> dict[str, Any] | None:
        return None


class Upstream(KafkaClient):
    async def command(
        self, type: str, key: str, payment_id: str, body: dict[str, Any], reply_to: str | None = None
    ) -> Operation:
        return self.history.invoke("kafka", type, self.merchant, payment_id, key, body)


async def wanted(seed: int, haste: int) -> list[str]:
    """`haste`: how the machine happens to go about it."""
    history, order = History(Path(os.devnull)), Random(haste)
    kafka = Upstream("nowhere:9092", "mer_1", history)
    async with Shop("mer_1", history, order) as shop, Shop("mer_2", history, order) as stranger:
        customers = [
            Customer(shop, kafka, f"load-{seed}-{n}", Random(f"{seed}/{n}"), 5, stranger)
            for n in range(CUSTOMERS)
        ]
        await asyncio.gather(*(customer.shop() for customer in customers))
    await kafka._producer.stop()
    history.close()
    assert history.wrong == []
    return [
        json.dumps([each.through, each.type, each.merchant, each.payment_id, each.command_id, each.body])
        for each in history.operations
    ]


async def test_the_seed_says_what_is_asked_for_and_the_machine_only_in_which_order() -> None:
    one, other = await wanted(seed=1, haste=1), await wanted(seed=1, haste=2)
    assert one != other
    assert sorted(one) == sorted(other)
    assert not set(one) & set(await wanted(seed=2, haste=1))
