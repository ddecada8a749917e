"""Reading payments from the store and the cache together: the newest wins, and either may be away. No vendor here.

This is how a payment that somebody has been told of can be read at once, by any process: its state is in the cache before
the answer leaves; without the cache, the answer waits a moment until the store has it.
"""

import asyncio
from datetime import datetime
from typing import Protocol

from models.errors import Unavailable
from models.ports import Page, PaymentCache, PaymentFilter, PaymentReader, View
from streams.catching_up import CatchingUp, Sequences

REMEMBERED_WITHIN_S = 2.0  # the projection is a few ms behind; after this the answer leaves all the same
STORE_EXTRA_S = (
    0.25  # for the store's answer where the cache has one already: a store that hangs must not delay reads
)


class Store(PaymentReader, Sequences, Protocol):
    """What PostgreSQL is read through."""


class PaymentReads:
    """Fulfils PaymentReader, and what the door asks for besides."""

    def __init__(self, store: Store, cache: PaymentCache) -> None:
        self._store, self._cache = store, cache
        self._catching_up = CatchingUp(store)

    async def payment(self, merchant: str, payment_id: str) -> View | None:
        """The newest state known. Raises Unavailable when the store is away and the cache does not know it."""
        asking = asyncio.ensure_future(self._store.payment(merchant, payment_id))
        try:
            cached = _of(merchant, await self._cache.get(payment_id))
            if cached is None:
                return await asking
            try:
                async with asyncio.timeout(STORE_EXTRA_S):
                    stored = await asking
            except (Unavailable, TimeoutError):
                return cached
        finally:
            _abandon(asking)
        return stored if stored is not None and stored["sequence"] > cached["sequence"] else cached

    async def refund(self, merchant: str, refund_id: str) -> View | None:
        """The refund as its payment now shows it, and `payment`, whose it is. Raises Unavailable.

        Of several payments that have a refund of this id: the one made last.
        """
        whose = _of(merchant, await self._cache.get(_whose_key(merchant, refund_id)))
        if whose is None:
            whose = await self._store.refund(merchant, refund_id)
        if whose is None:
            return None
        payment = await self.payment(merchant, whose["payment"])
        found = [each for each in payment["refunds"] if each["id"] == refund_id] if payment else []
        return {**found[0], "payment": whose["payment"]} if found else None

    async def payments(
        self,
        merchant: str,
        where: PaymentFilter,
        limit: int,
        starting_after: str | None,
        ending_before: str | None,
    ) -> Page:
        return await self._store.payments(merchant, where, limit, starting_after, ending_before)

    async def events(self, merchant: str, payment_id: str, limit: int, after_sequence: int) -> Page:
        return await self._store.events(merchant, payment_id, limit, after_sequence)

    async def owner(self, intent: str) -> tuple[str, str] | None:
        return await self._store.owner(intent)

    async def reached(self, payment_id: str, sequence: int, timeout_s: float) -> bool:
        """Whether the store has that sequence, or a newer one, in time."""
        return await self._catching_up.wait(payment_id, sequence, timeout_s)

    async def remember(self, payment: View) -> None:
        """Before `payment` is shown: whoever reads it from now on, anywhere, sees this state or a newer one.

        Returns after REMEMBERED_WITHIN_S at the latest; then the store and the cache were both away.
        """
        if not await self._cache.put([payment, *whose_refunds(payment)]):
            await self._catching_up.wait(payment["id"], payment["sequence"], REMEMBERED_WITHIN_S)


def _of(merchant: str, view: View | None) -> View | None:
    """What is not this merchant's does not exist: it must look the same as what is nobody's."""
    return view if view is not None and view.get("merchant") == merchant else None


def whose_refunds(payment: View) -> list[View]:
    """For each refund an entry that tells its payment: the cache knows payments only.

    One key makes refunds of one id on as many payments as it is used for. The numbers of two payments do not compare: what keeps
    the older one's entry away is when its refund was made, so that the cache says what the store does.
    """
    return [
        {
            "id": _whose_key(payment["merchant"], refund["id"]),
            "sequence": int(datetime.fromisoformat(refund["created_at"]).timestamp() * 1000),
            "merchant": payment["merchant"],
            "payment": payment["id"],
        }
        for refund in payment["refunds"]
    ]


def _whose_key(merchant: str, refund_id: str) -> str:
    """Merchants choose the ids of refunds on Kafka, and two may choose the same."""
    return f"{merchant}/{refund_id}"


def _abandon(asking: "asyncio.Future[View | None]") -> None:
    """Nobody waits for it any more; how it ends is not asked."""
    if not asking.cancel() and not asking.cancelled():
        asking.exception()
