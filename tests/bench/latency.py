"""Open-loop load: each request has its time, and its latency counts from then, whether or not it could be sent then."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import uuid4

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from models.ports import ReplyAddress
from sandbox.ports import HOST
from tests.bench.http_client import Connections
from tests.bench.rounds import command, cpu

LATE_S = 90.0
"""An answer later than this is missing, and a round with a missing answer fails: far longer than the first burst takes on a
slow machine whose JVM is cold."""


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


async def latency(ask: Callable[[float], Awaitable[float]], rate: float, seconds: float) -> Latency:
    """Of `ask(scheduled_at)`, open loop."""
    took: list[float] = []

    async def one(at: float) -> None:
        took.append(await ask(at))

    await open_loop(rate, seconds, one)
    return Latency.of(took)


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
        return await latency(self.ask, rate, seconds)

    async def burst(self, count: int) -> float:
        """Payments a second, `count` asked at once."""
        began_at = time.monotonic()
        await asyncio.gather(*(self.ask(began_at) for _ in range(count)))
        return count / (time.monotonic() - began_at)


class HttpAsker:
    """Posts payments. `port`: of the door; `prefer_async`: asks for 202, with the command durable and nothing waited for."""

    def __init__(self, port: int, api_key: str, prefer_async: bool = False) -> None:
        self.connections = Connections(HOST, port)
        body = orjson.dumps({"amount": 1999, "currency": "usd", "payment_method": "pm_card_visa"})
        headers = {
            "Host": f"{HOST}:{port}",
            "Authorization": f"Bearer {api_key}",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **({"Prefer": "respond-async"} if prefer_async else {}),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.before = f"POST /v1/payments HTTP/1.1\r\n{lines}Idempotency-Key: ".encode()
        self.after = b"\r\n\r\n" + body
        self.expected = 202 if prefer_async else 201

    async def __aenter__(self) -> "HttpAsker":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.connections.close()

    async def ask(self, scheduled_at: float) -> float:
        status, text = await self._post()
        assert status == self.expected, (status, text[:300])
        return time.monotonic() - scheduled_at

    async def status(self) -> int:
        """Of one more payment, whatever it is."""
        return (await self._post())[0]

    def send(self, answered: Callable[[int], object]) -> None:
        """One more payment; `answered` is told its status, NOT_ANSWERED among them."""
        self.connections.send(self._request(), lambda status, body: answered(status))

    async def _post(self) -> tuple[int, bytes]:
        return await self.connections.ask(self._request())

    def _request(self) -> bytes:
        return self.before + uuid4().hex.encode() + self.after

    async def latency(self, rate: float, seconds: float) -> Latency:
        return await latency(self.ask, rate, seconds)

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

    async def cost(self, pid: int, clients: int, seconds: float) -> tuple[float, float]:
        """`closed_loop`, and the µs of CPU that a process takes for each payment meanwhile."""
        before = cpu(pid)
        per_s = await self.closed_loop(clients, seconds)
        return per_s, (cpu(pid) - before) / (per_s * seconds) * 1e6
