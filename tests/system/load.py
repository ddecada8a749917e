"""Customers come at a steady rate; what each of them does is in `customer.py`. Seeded."""

import asyncio
import itertools
from random import Random
from types import TracebackType

from tests.system.customer import WAIT_S, Customer
from tests.system.http_client import HttpClient
from tests.system.kafka_client import KafkaClient

PAYMENTS_PER_S = 8.0  # with captures, refunds and repetitions about 17 commands a second
ENDS_WITHIN_S = 90.0


class Load:
    """`async with`: customers come until the end of the block; then all who came are served to the end.

    What they ask for, and under which keys, follows from `seed`: on one system each may be used once. How many come, and what
    happens first, is the machine's to say. `stranger`: another merchant, see `Customer`.
    """

    def __init__(
        self,
        http: HttpClient,
        kafka: KafkaClient,
        seed: int,
        payments_per_s: float = PAYMENTS_PER_S,
        wait_s: int = WAIT_S,
        stranger: HttpClient | None = None,
    ) -> None:
        self._http, self._kafka, self._rate = http, kafka, payments_per_s
        self._seed, self._wait_s, self._stranger = seed, wait_s, stranger
        self._arrivals: asyncio.Task[None] | None = None
        self._customers: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Load":
        self._arrivals = asyncio.create_task(self._arrive())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._arrivals is not None
        self._arrivals.cancel()
        if kind is not None:
            for customer in self._customers:
                customer.cancel()
            return
        async with asyncio.timeout(ENDS_WITHIN_S):
            await asyncio.gather(*self._customers)

    async def _arrive(self) -> None:
        for number in itertools.count():
            random = Random(f"{self._seed}/{number}")
            pause_s = random.expovariate(self._rate)
            key = f"load-{self._seed}-{number}"
            customer = Customer(self._http, self._kafka, key, random, self._wait_s, self._stranger)
            self._customers.add(asyncio.create_task(customer.shop()))
            await asyncio.sleep(pause_s)
