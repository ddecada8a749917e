"""Stripe's books about our payments: each intent with its charge, its refunds and its disputes, as plain facts. Reads alone,
at a bounded pace. Whether they are right is not known here.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from models.errors import Unavailable
from models.ids import PAYMENT_ID
from streams.adapters.stripe_answers import Meaning, meaning_of, reason_of
from streams.adapters.stripe_objects import (
    MERCHANT_NAME,
    PAYMENT_ID_NAME,
    REFUND_ID_NAME,
    Malformed,
    StripeObject,
    amount,
    id_of,
    inner,
    metadata_of,
    optional_text,
    text,
)
from streams.adapters.stripe_requests import intent_path
from streams.adapters.stripe_snapshots import DISPUTE_STATUSES, REFUND_STATUSES, dispute_snapshot
from streams.adapters.stripe_transport import Answer, StripeTransport

PER_PAGE = 100
"""Source: Stripe, pagination, the largest `limit`."""
READ_TIMEOUT_S = 25.0
"""Source: Stripe, low-level error handling: its own calls may take that long. Nobody waits for this one."""
TRIES_MAX = 5
PAUSE_S = 1.0  # before a read is tried again; doubled each time
GONE = (404,)


class Refund(NamedTuple):
    """`name`: ours, if we made it."""

    name: str | None
    id: str
    status: str
    amount_minor: int


class Dispute(NamedTuple):
    id: str
    status: str
    amount_minor: int
    currency: str
    withdrawn: bool
    reinstated: bool


class Facts(NamedTuple):
    """One intent. `status` in Stripe's words; amounts in minor units of `currency`; `charged`: what was authorised."""

    payment: str
    merchant: str | None
    intent: str
    status: str
    amount_minor: int
    currency: str
    capturable_minor: int
    received_minor: int
    charge: str | None
    charged_minor: int | None
    refunds: tuple[Refund, ...]
    disputes: tuple[Dispute, ...]
    account: str | None = None


class StripeBooks:
    """One account, by its `name`. `per_s`: reads begun per second, so that payments keep what the account may ask."""

    def __init__(self, transport: StripeTransport, per_s: float, name: str | None = None) -> None:
        self._transport, self._gap_s, self.name = transport, 1 / per_s, name
        self._next_at = 0.0
        self.reads = 0

    async def all(self, since: datetime | None) -> AsyncIterator[list[Facts]]:
        """Every intent that names a payment, those made since then; a page at a time. Raises Unavailable.

        Three lists of the account and no read per intent: a hundred of them cost one read. Refunds and disputes are read
        first; what comes in between is found when a payment is looked at again.
        """
        window = {"created": {"gte": max(0, int(since.timestamp()))}} if since else {}
        refunds = await self._by_intent("/v1/refunds", window)
        disputes = await self._by_intent("/v1/disputes", window)
        expanded = {"expand": ["data.latest_charge"], **window}
        async for page in self._pages("/v1/payment_intents", expanded):
            found = [
                facts(seen, refunds.get(intent_of(seen), ()), disputes.get(intent_of(seen), ()), self.name)
                for seen in page
                if PAYMENT_ID.fullmatch(str(metadata_of(seen).get(PAYMENT_ID_NAME)))
            ]
            yield found

    async def of(self, intent: str) -> Facts | None:
        """As it stands now; None where there is no such intent. Raises Unavailable."""
        seen = await self._get(intent_path(intent), {"expand": ["latest_charge"]})
        if seen is None:
            return None
        own = {"payment_intent": intent}
        refunds = [each async for page in self._pages("/v1/refunds", own) for each in page]
        disputes = [each async for page in self._pages("/v1/disputes", own) for each in page]
        return facts(seen, refunds, disputes, self.name)

    async def close(self) -> None:
        await self._transport.close()

    async def _by_intent(self, path: str, window: dict[str, Any]) -> Mapping[str, list[StripeObject]]:
        found: defaultdict[str, list[StripeObject]] = defaultdict(list)
        async for page in self._pages(path, window):
            for seen in page:
                if intent := id_of(seen, "payment_intent"):
                    found[intent].append(seen)
        return found

    async def _pages(self, path: str, parameters: dict[str, Any]) -> AsyncIterator[list[StripeObject]]:
        parameters, more = {**parameters, "limit": PER_PAGE}, True
        while more:
            body = await self._get(path, parameters) or {}
            data = body.get("data")
            page = [each for each in data if isinstance(each, Mapping)] if isinstance(data, list) else []
            more = body.get("has_more") is True and bool(page)
            if page:
                parameters = parameters | {"starting_after": page[-1].get("id")}
                yield page

    async def _get(self, path: str, parameters: dict[str, Any]) -> StripeObject | None:
        pause_s = PAUSE_S
        for _ in range(TRIES_MAX):
            await self._turn()
            heard = await self._transport.get(path, parameters, READ_TIMEOUT_S)
            if isinstance(heard, Answer):
                if meaning_of(heard) is Meaning.DONE:
                    return heard.body
                if heard.status in GONE:
                    return None
                if meaning_of(heard) is Meaning.CONFIGURATION:
                    break
            await asyncio.sleep(pause_s)
            pause_s *= 2
        raise Unavailable(f"Stripe's books cannot be read: {reason_of(heard)}")

    async def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._next_at = max(self._next_at, now) + self._gap_s
        self.reads += 1
        await asyncio.sleep(self._next_at - self._gap_s - now)


def facts(
    seen: StripeObject,
    refunds: "list[StripeObject] | tuple[()]",
    disputes: "list[StripeObject] | tuple[()]",
    account: str | None,
) -> Facts:
    """Raises Unavailable for what is no intent: what Stripe shows cannot be read then, and nothing be said of it."""
    charge = inner(seen, "latest_charge")
    try:
        return Facts(
            payment=str(metadata_of(seen).get(PAYMENT_ID_NAME) or ""),
            merchant=optional_text(metadata_of(seen), MERCHANT_NAME),
            intent=text(seen, "id"),
            status=text(seen, "status"),
            amount_minor=amount(seen, "amount"),
            currency=text(seen, "currency"),
            capturable_minor=amount(seen, "amount_capturable"),
            received_minor=amount(seen, "amount_received"),
            charge=id_of(seen, "latest_charge"),
            charged_minor=amount(charge, "amount") if charge else None,
            refunds=tuple(sorted((_refund(each) for each in refunds), key=lambda refund: refund.id)),
            disputes=tuple(sorted(filter(None, map(_dispute, disputes)), key=lambda dispute: dispute.id)),
            account=account,
        )
    except Malformed as malformed:
        raise Unavailable(f"Stripe shows an object of another shape: {malformed}") from malformed


def intent_of(seen: StripeObject) -> str:
    return str(seen.get("id"))


def packed(facts: Facts) -> bytes:
    """For keeping many of them: a third of a kilobyte."""
    return json.dumps(facts).encode()  # orjson writes no named tuples


def unpacked(kept: bytes) -> Facts:
    found = Facts(*orjson.loads(kept))
    return found._replace(
        refunds=tuple(Refund(*each) for each in found.refunds),
        disputes=tuple(Dispute(*each) for each in found.disputes),
    )


def _refund(seen: StripeObject) -> Refund:
    status = text(seen, "status")
    name = metadata_of(seen).get(REFUND_ID_NAME)
    ours = str(REFUND_STATUSES.get(status, status))
    return Refund(name if isinstance(name, str) else None, text(seen, "id"), ours, amount(seen, "amount"))


def _dispute(seen: StripeObject) -> Dispute | None:
    if text(seen, "status") not in DISPUTE_STATUSES:
        return None
    known = dispute_snapshot(seen)
    if known is None:
        return None
    return Dispute(
        known.dispute_id,
        known.status.value,
        known.amount_minor,
        known.currency,
        known.withdrawn,
        known.reinstated,
    )
