"""PostgreSQL and Redis, which every process reaches over a network. What is kept in them, `tests/fakes.py` says."""

import contextlib
import random
from collections.abc import Coroutine, Sequence
from typing import Any

from models.errors import Unavailable
from models.ports import Change
from tests.fakes import FakePaymentCache, FakePayments
from tests.simulation.loop import VirtualLoop
from tests.simulation.network import Server


class Remote:
    """A fake's methods, asked over the network. One that is away raises Unavailable."""

    def __init__(self, server: Server, fake: object) -> None:
        self._server, self._fake = server, fake

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._fake, name)

        async def asked(*arguments: Any) -> Any:
            return await self._server.ask(lambda: at_once(method(*arguments)))

        return asked

    async def close(self) -> None:
        pass


class Cache:
    """PaymentCache and NoticeMemory: without Redis they do nothing, quickly."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    async def put(self, payments: Any) -> bool:
        try:
            return bool(await self._redis.ask(lambda: at_once(self._redis.payments.put(payments))))
        except Unavailable:
            return False

    async def get(self, payment_id: str) -> Any:
        try:
            return await self._redis.ask(lambda: at_once(self._redis.payments.get(payment_id)))
        except Unavailable:
            return None

    async def has(self, name: str) -> bool:
        try:
            return await self._redis.ask(lambda: self._redis.knows(name))
        except Unavailable:
            return False

    async def add(self, name: str) -> None:
        with contextlib.suppress(Unavailable):
            await self._redis.ask(lambda: self._redis.learn(name))

    async def close(self) -> None:
        pass


def _away() -> Exception:
    return Unavailable("it is away")


class Kept(FakePayments):
    """Notes what no reader may ever see: an older state of a payment than before."""

    def __init__(self) -> None:
        super().__init__()
        self.went_back: list[str] = []

    async def apply(self, changes: Sequence[Change]) -> None:
        before = {id: view["sequence"] for id, view in self._views.items()}
        await super().apply(changes)
        back = [id for id, sequence in before.items() if self._views[id]["sequence"] < sequence]
        self.went_back += [f"{id} went back to {self._views[id]['sequence']}" for id in back]


class Postgres(Server):
    def __init__(self, loop: VirtualLoop, draw: random.Random) -> None:
        super().__init__(loop, draw, _away)
        self.payments = Kept()


class Redis(Server):
    def __init__(self, loop: VirtualLoop, draw: random.Random) -> None:
        super().__init__(loop, draw, _away)
        self.forget()

    def forget(self) -> None:
        """FLUSHALL."""
        self.payments = FakePaymentCache()
        self._names: set[str] = set()

    def knows(self, name: str) -> bool:
        return name in self._names

    def learn(self, name: str) -> None:
        self._names.add(name)


def at_once(work: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine that waits for nothing returns."""
    try:
        work.send(None)
    except StopIteration as ended:
        return ended.value
    raise AssertionError("a fake that waits")
