"""Open-loop load: each request has its time, and its latency counts from then, whether or not it could be sent then."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from models.ports import ReplyAddress
from tests.bench.rounds import command

LATE_S = 20.0
"""An answer later than this is missing, and a round with a missing answer fails."""


@dataclass(frozen=True)
class Latency:
    """Milliseconds from the scheduled send to the answer."""

    count: int
    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, seconds: list[float]) -> "Latency":
        cuts = statistics.quantiles([each * 1000 for each in seconds], n=100)
        return cls(len(seconds), cuts[49], cuts[94], cuts[98])


async def open_loop(rate: float, seconds: float, one: Callable[[float], Awaitable[None]]) -> None:
    """`one(scheduled_at)` at each of its times, on the monotonic clock; all have ended when this returns."""
    start = time.monotonic() + 0.1
    running: list[asyncio.Task[None]] = []
    for number in range(int(rate * seconds)):
        at = start + number / rate
        if (wait := at - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        running.append(asyncio.ensure_future(one(at)))
    await asyncio.gather(*running)


class KafkaAsker:
    """Produces commands and reads their replies, as an upstream service would. `commands`, `replies`: topics."""

    def __init__(self, bootstrap: str, commands: str, replies: str) -> None:
        self.commands, self.address = commands, ReplyAddress(replies, 0)
        self.producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=0)
        self.consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed")
        self.waiting: dict[str, asyncio.Future[float]] = {}

    async def __aenter__(self) -> "KafkaAsker":
        await self.producer.start()
        await self.consumer.start()
        tp = TopicPartition(self.address.topic, self.address.partition)
        self.consumer.assign([tp])
        await self.consumer.seek_to_end(tp)
        self.reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.reading.cancel()
        await self.producer.stop()
        await self.consumer.stop()

    async def _read(self) -> None:
        while True:
            for records in (await self.consumer.getmany(timeout_ms=1000)).values():
                now = time.monotonic()
                for record in records:
                    id = next(value for name, value in record.headers if name == "ce_causationid").decode()
                    if (asked := self.waiting.pop(id, None)) and not asked.done():
                        asked.set_result(now)

    async def ask(self, scheduled_at: float) -> float:
        """Seconds from `scheduled_at` to the reply."""
        id, key, value, partition, headers = command(self.address)
        answered = self.waiting[id] = asyncio.get_running_loop().create_future()
        await self.producer.send(self.commands, value, key, partition, headers=headers)
        answered_at: float = await asyncio.wait_for(answered, LATE_S)
        return answered_at - scheduled_at

    async def latency(self, rate: float, seconds: float) -> Latency:
        took: list[float] = []

        async def one(at: float) -> None:
            took.append(await self.ask(at))

        await open_loop(rate, seconds, one)
        return Latency.of(took)

    async def burst(self, count: int) -> float:
        """Payments a second, `count` asked at once."""
        began_at = time.monotonic()
        await asyncio.gather(*(self.ask(began_at) for _ in range(count)))
        return count / (time.monotonic() - began_at)


class HttpAsker:
    def __init__(self, url: str, api_key: str) -> None:
        self.url, self.headers = f"{url}/v1/payments", {"Authorization": f"Bearer {api_key}"}

    async def __aenter__(self) -> "HttpAsker":
        self.http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    async def ask(self, scheduled_at: float) -> float:
        body = {"amount": 1999, "currency": "usd", "payment_method": "pm_card_visa"}
        headers = {**self.headers, "Idempotency-Key": command()[0]}
        async with self.http.post(self.url, json=body, headers=headers) as answer:
            text = await answer.text()
            assert answer.status == 201, (answer.status, text[:300])
        return time.monotonic() - scheduled_at

    async def latency(self, rate: float, seconds: float) -> Latency:
        took: list[float] = []

        async def one(at: float) -> None:
            took.append(await self.ask(at))

        await open_loop(rate, seconds, one)
        return Latency.of(took)

    async def closed_loop(self, clients: int, seconds: float) -> float:
        """Payments a second with so many clients, each waiting for its answer before it asks again."""
        until, done = time.monotonic() + seconds, 0

        async def client() -> None:
            nonlocal done
            while time.monotonic() < until:
                await self.ask(time.monotonic())
                done += 1

        await asyncio.gather(*(client() for _ in range(clients)))
        return done / seconds
