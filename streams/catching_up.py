"""Waiting until the projection has come as far as a payment that somebody is about to be told of. Reads no payments."""

import asyncio
from collections.abc import Collection
from typing import Protocol

from models.errors import Unavailable

LOOK_EVERY_S = 0.01  # one look is one query for all who wait, however many
LOOK_AWAY_S = 0.1  # the same, while the store cannot be reached


class Sequences(Protocol):
    async def sequences(self, payment_ids: Collection[str]) -> dict[str, int]:
        """How far the store is with each of them; unknown ones are left out. Raises Unavailable."""
        ...


class CatchingUp:
    def __init__(self, store: Sequences) -> None:
        self._store = store
        self._waiting: dict[asyncio.Future[None], tuple[str, int]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def wait(self, payment_id: str, sequence: int, timeout_s: float) -> bool:
        """Whether the store had that sequence, or a newer one, in time."""
        arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[arrived] = (payment_id, sequence)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            async with asyncio.timeout(timeout_s):
                await arrived
        except TimeoutError:
            return False
        finally:
            del self._waiting[arrived]
        return True

    async def _look(self) -> None:
        """As long as anybody waits."""
        while self._waiting:
            pause_s = LOOK_EVERY_S
            try:
                found = await self._store.sequences({payment_id for payment_id, _ in self._waiting.values()})
            except Unavailable:
                found, pause_s = {}, LOOK_AWAY_S
            for arrived, (payment_id, sequence) in self._waiting.items():
                if found.get(payment_id, 0) >= sequence and not arrived.done():
                    arrived.set_result(None)
            await asyncio.sleep(pause_s)
