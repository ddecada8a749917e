"""Customers: payments arrive at a steady rate, each with what becomes of it, through both doors. Seeded."""

import asyncio
import itertools
import random
from types import TracebackType

from tests.system.history import OK, Operation
from tests.system.http_client import PAUSE_S, HttpClient
from tests.system.kafka_client import KafkaClient

PAYMENTS_PER_S = 12.0  # with captures, refunds and repetitions about 25 commands a second
ENDS_WITHIN_S = 90.0
WAIT_S = 5  # of a POST, so that an outage is felt as 202 and not as silence
SAYS_NOTHING = (None, 202, 404, 429, 503)  # to a stranger: no answer, not yet, no such payment, not now
_runs = itertools.count()


class Load:
    """`async with`: customers come until the end of the block; then all who came are served to the end.

    `stranger`: another merchant, who looks into payments that are not its own.
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
        self._wait_s, self._stranger = wait_s, stranger
        self._random = random.Random(seed)
        self._run = next(_runs)
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
            customer = asyncio.create_task(self._shop(f"load-{self._run}-{number}", self._random.random()))
            self._customers.add(customer)
            await asyncio.sleep(self._random.expovariate(self._rate))

    async def _shop(self, key: str, kind: float) -> None:
        if kind < 0.5:
            await self._buy_and_bring_back(key)
        elif kind < 0.7:
            await self._reserve(key)
        elif kind < 0.8:
            await self._be_declined(key)
        elif kind < 0.85:
            await self._create(key, payment_method="pm_card_authenticationRequired")
        else:
            await self._upstream(key)

    async def _buy_and_bring_back(self, key: str) -> None:
        bought = await self._create(key, amount=1000 + len(key))
        if self._random.random() < 0.3:
            self._same(bought, await self._create(key, amount=1000 + len(key)))
        if self._random.random() < 0.2:
            self._refused(bought, await self._answered(key, amount=7000))
        if self._stranger and self._random.random() < 0.2:
            await self._pry(self._stranger, bought)
        if self._random.random() < 0.6:
            await self._refund(bought, f"{key}-refund-1", 300)
        if self._random.random() < 0.3:
            await asyncio.gather(*(self._refund(bought, f"{key}-refund-{n}", 500) for n in (2, 3)))

    async def _reserve(self, key: str) -> None:
        reserved = await self._create(key, amount=5000, capture_method="manual")
        chance = self._random.random()
        if chance < 0.3:
            await self._http.cancel(reserved.payment_id, f"{key}-cancel", wait_s=self._wait_s)
        elif chance < 0.6:
            await self._http.capture(reserved.payment_id, f"{key}-capture", wait_s=self._wait_s, amount=4000)
        elif chance < 0.9:
            await asyncio.gather(
                self._http.capture(reserved.payment_id, f"{key}-capture", wait_s=self._wait_s),
                self._http.cancel(reserved.payment_id, f"{key}-cancel", wait_s=self._wait_s),
            )

    async def _be_declined(self, key: str) -> None:
        declined = await self._create(key, payment_method="pm_card_chargeDeclined")
        self._same(declined, await self._create(key, payment_method="pm_card_chargeDeclined"))

    async def _upstream(self, key: str) -> None:
        for _ in range(1 + (self._random.random() < 0.3)):
            made = await self._kafka.create(f"{key}-kafka", amount=2500)
        await self._kafka.refund(made.payment_id, f"{key}-kafka-refund", amount=1000)

    async def _create(self, key: str, **body: object) -> Operation:
        return await self._http.create(key, wait_s=self._wait_s, **body)

    async def _answered(self, key: str, **body: object) -> Operation:
        """Asks again while it is accepted only: what it comes to is in no payment that could be read."""
        made = await self._create(key, **body)
        while made.status == 202:
            await asyncio.sleep(PAUSE_S)
            made = await self._create(key, **body)
        return made

    async def _refund(self, bought: Operation, key: str, amount: int) -> None:
        await self._http.refund(bought.payment_id, key, wait_s=self._wait_s, amount=amount)

    def _same(self, first: Operation, again: Operation) -> None:
        """The same key and body: the same payment, however often."""
        if first.outcome == again.outcome == OK and first.answer["id"] != again.answer["id"]:
            self._http.history.wrong.append(f"I7 {first.identity} is another payment when asked for again")

    def _refused(self, first: Operation, other: Operation) -> None:
        """The same key and another body: refused for good."""
        if first.outcome == OK and other.answer.get("code") != "idempotency_key_reused":
            self._http.history.wrong.append(
                f"I7 another body under the key of {first.identity}: {other.status}"
            )

    async def _pry(self, stranger: HttpClient, bought: Operation) -> None:
        """Of another merchant's payment there is nothing to be seen, and nothing to be had."""
        path = f"/v1/payments/{bought.payment_id}"
        for method, what in (("GET", path), ("GET", f"{path}/events"), ("POST", f"{path}/refunds")):
            seen = await stranger.look(method, what, f"pry-{bought.payment_id}")
            if seen not in SAYS_NOTHING:
                self._http.history.wrong.append(f"I10 {method} {what} shows a stranger {seen}")
