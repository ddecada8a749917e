"""One customer: a payment, and what becomes of it, through both doors. All of it follows from the key and the random numbers."""

import asyncio
from random import Random

from tests.system.answers import REUSED
from tests.system.history import OK, Operation
from tests.system.http_client import PAUSE_S, HttpClient
from tests.system.kafka_client import KafkaClient
from tests.system.waiting import until

WAIT_S = 5  # of a POST, so that an outage is felt as 202 and not as silence
SEEN_WITHIN_S = 75.0  # that a customer has authenticated: Stripe's notice alone tells, and repeats itself through any outage
SAYS_NOTHING = (None, 202, 404, 429, 503)  # to a stranger: no answer, not yet, no such payment, not now


class Customer:
    """`stranger`: another merchant, where some buy as well, and who looks into payments that are not its own."""

    def __init__(
        self,
        http: HttpClient,
        kafka: KafkaClient,
        key: str,
        random: Random,
        wait_s: int = WAIT_S,
        stranger: HttpClient | None = None,
    ) -> None:
        self._http, self._kafka, self._stranger = http, kafka, stranger
        self._key, self._random, self._wait_s = key, random, wait_s

    async def shop(self) -> None:
        kind = self._random.random()
        if kind < 0.5:
            await self._buy_and_bring_back()
        elif kind < 0.7:
            await self._reserve()
        elif kind < 0.8:
            await self._be_declined()
        elif kind < 0.85:
            await self._authenticate()
        else:
            await self._upstream()
        if self._stranger and self._random.random() < 0.1:
            await self._buy_elsewhere(self._stranger)

    async def _buy_and_bring_back(self) -> None:
        amount = self._random.randrange(1000, 2000)
        bought = await self._create(amount=amount)
        if self._random.random() < 0.3:
            await self._create(amount=amount)
        if self._random.random() < 0.2:
            self._refused(bought, await self._answered(amount=7000))
        if self._stranger and self._random.random() < 0.2:
            await self._pry(self._stranger, bought)
        if self._random.random() < 0.6:
            await self._refund(bought, "refund-1", 300)
        if self._random.random() < 0.3:
            await asyncio.gather(*(self._refund(bought, f"refund-{n}", 500) for n in (2, 3)))

    async def _reserve(self) -> None:
        reserved = await self._create(amount=5000, capture_method="manual")
        id, wait_s, chance = reserved.payment_id, self._wait_s, self._random.random()
        if chance < 0.3:
            await self._http.cancel(id, f"{self._key}-cancel", wait_s=wait_s)
        elif chance < 0.6:
            await self._http.capture(id, f"{self._key}-capture", wait_s=wait_s, amount=4000)
        elif chance < 0.9:
            await asyncio.gather(
                self._http.capture(id, f"{self._key}-capture", wait_s=wait_s),
                self._http.cancel(id, f"{self._key}-cancel", wait_s=wait_s),
            )

    async def _be_declined(self) -> None:
        for _ in range(2):
            await self._create(payment_method="pm_card_chargeDeclined")

    async def _authenticate(self) -> None:
        """Half of those who must do. No answer of Stripe's to us tells of it."""
        made = await self._answered(payment_method="pm_card_authenticationRequired")
        if self._random.random() < 0.5 or made.answer.get("status") != "requires_action":
            return
        await self._http.authenticate(made.answer["next_action"])
        id = made.payment_id
        try:
            await until(lambda: self._is_captured(id), SEEN_WITHIN_S, f"I14 the customer of {id} has paid")
        except AssertionError as unseen:
            self._wrong(str(unseen))

    async def _is_captured(self, payment_id: str) -> bool:
        await asyncio.sleep(PAUSE_S)
        return await self._http.status_of(payment_id) == "captured"

    async def _upstream(self) -> None:
        for _ in range(1 + (self._random.random() < 0.3)):
            made = await self._kafka.create(f"{self._key}-kafka", amount=2500)
        await self._kafka.refund(made.payment_id, f"{self._key}-kafka-refund", amount=1000)

    async def _buy_elsewhere(self, other: HttpClient) -> None:
        """Under the same keys, which are another merchant's there."""
        bought = await other.create(self._key, wait_s=self._wait_s, amount=3300)
        await other.refund(bought.payment_id, f"{self._key}-refund-1", wait_s=self._wait_s, amount=1100)

    async def _create(self, **body: object) -> Operation:
        return await self._http.create(self._key, wait_s=self._wait_s, **body)

    async def _answered(self, **body: object) -> Operation:
        """Asks again while it is accepted only: what it comes to is in no payment that could be read."""
        made = await self._create(**body)
        while made.status == 202:
            await asyncio.sleep(PAUSE_S)
            made = await self._create(**body)
        return made

    async def _refund(self, bought: Operation, name: str, amount: int) -> None:
        await self._http.refund(bought.payment_id, f"{self._key}-{name}", wait_s=self._wait_s, amount=amount)

    def _refused(self, first: Operation, other: Operation) -> None:
        """The same key and another body: refused for good."""
        if first.outcome == OK and other.answer.get("code") != REUSED:
            self._wrong(f"I7 another body under the key of {first.identity}: {other.status}")

    async def _pry(self, stranger: HttpClient, bought: Operation) -> None:
        """Of another merchant's payment there is nothing to be seen, and nothing to be had."""
        path = f"/v1/payments/{bought.payment_id}"
        asked = (
            ("GET", path),
            ("GET", f"{path}/events"),
            ("GET", f"{path}/refunds"),
            ("POST", f"{path}/refunds"),
        )
        for method, what in asked:
            seen = await stranger.look(method, what, f"pry-{bought.payment_id}")
            if seen not in SAYS_NOTHING:
                self._wrong(f"I10 {method} {what} shows a stranger {seen}")
        listed = await stranger.shown("/v1/payments?limit=100")
        own = {
            each.payment_id
            for each in stranger.history.operations
            if each.merchant == stranger.merchant["id"]
        }
        for payment in listed["data"] if listed else ():
            if payment["id"] not in own:
                self._wrong(f"I10 a stranger's list has {payment['id']}")

    def _wrong(self, words: str) -> None:
        self._http.history.wrong.append(words)
