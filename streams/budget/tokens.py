"""Tokens of a limit that is known: counted together by all gateways, or, while that cannot be, each its own share."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from models.errors import Unavailable
from streams.breaker import Breaker
from streams.budget.bucket import Bucket

ASK_AGAIN_S = 1.0
"""After the shared tokens could not be reached. Until then: the own share."""

log = logging.getLogger("millrace.stripe")


@dataclass(frozen=True, slots=True)
class Rates:
    """Requests per second that the provider allows an account in all, and each endpoint; None: not known."""

    account_per_s: float | None = None
    endpoint_per_s: float | None = None


UNKNOWN = Rates()
IN_ALL = ""
"""The name of the account's own limit, beside those of its endpoints."""


class Wanted(NamedTuple):
    endpoint: str
    sends: int


class Given(NamedTuple):
    """`wait_s`: until there may be more."""

    sends: int
    wait_s: float


class SharedTokens(Protocol):
    async def take(self, account: str, rates: Rates, wanted: Sequence[Wanted]) -> list[Given]:
        """As much of each as there is; what is named first goes first. Raises Unavailable, quickly."""
        ...


class Tokens:
    """Of one account. `gateways`: how many processes share them."""

    def __init__(self, account: str, rates: Rates, shared: SharedTokens, gateways: int) -> None:
        self._account, self._rates = account, rates
        self._shared, self._breaker = shared, Breaker(ASK_AGAIN_S)
        share = Rates(*(None if per_s is None else per_s / gateways for per_s in _both(rates)))
        self._own = OwnTokens(share)

    async def take(self, wanted: Sequence[Wanted]) -> list[Given]:
        """As SharedTokens; never raises."""
        if self._breaker.lets_through():
            try:
                given = await self._shared.take(self._account, self._rates, wanted)
                self._breaker.succeeded()
                return given
            except Unavailable as away:
                log.warning("%s: only this gateway's share of the limits is used: %s", self._account, away)
                self._breaker.failed()
        return self._own.take(asyncio.get_running_loop().time(), wanted)


class OwnTokens:
    def __init__(self, rates: Rates) -> None:
        self._rates = rates
        self._buckets: dict[str, Bucket] = {}

    def take(self, now: float, wanted: Sequence[Wanted]) -> list[Given]:
        return [self._take(now, each) for each in wanted]

    def _take(self, now: float, wanted: Wanted) -> Given:
        limits = [
            (self._buckets.setdefault(name, Bucket(now)), per_s)
            for name, per_s in zip((IN_ALL, wanted.endpoint), _both(self._rates), strict=True)
            if per_s is not None
        ]
        count = min([wanted.sends, *(bucket.available(now, per_s) for bucket, per_s in limits)])
        for bucket, _ in limits:
            bucket.take(count)
        return Given(count, max((bucket.wait_s(per_s) for bucket, per_s in limits), default=0.0))


def _both(rates: Rates) -> tuple[float | None, float | None]:
    return rates.account_per_s, rates.endpoint_per_s
