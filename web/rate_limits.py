"""Rate limits as callers meet them: how much a key and its merchant may ask for, what is left, and what is said when nothing is.

How it is counted, and by whom together, is an adapter's.
"""

import math
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass

from prometheus_client import Counter

from models.callers import Limit, Principal, RateLimiter, Standing, Verdict
from models.codes import Code
from web.operations import WRITE, Operation
from web.problems import Problem

KEY_PER_S, MERCHANT_PER_S = 2500.0, 5000.0
"""Units a second: a key may make 500 payments a second, about what one process carries."""
BURST_S = 1.0
"""What is left over of so many seconds may be used at once. Everybody waits behind what comes at once."""

STANDINGS: ContextVar[list[Standing] | None] = ContextVar("standings", default=None)
"""What is left to whoever is being answered, laid down by the gate: a query's fields are asked for in tasks of their own."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """Units a second that each key, and all keys of a merchant together, may use; 0: as many as they like."""

    key_per_s: float = KEY_PER_S
    merchant_per_s: float = MERCHANT_PER_S

    def limits(self, caller: Principal) -> list[Limit]:
        named = (
            ("key", caller.key_prefix, self.key_per_s),
            ("merchant", caller.merchant, self.merchant_per_s),
        )
        return [
            Limit(name, subject, per_s, max(WRITE, math.ceil(per_s * BURST_S)))
            for name, subject, per_s in named
            if per_s > 0
        ]


class RateLimiting:
    def __init__(self, limiter: RateLimiter, allowance: Allowance, refused: Counter) -> None:
        self._limiter, self._allowance, self._refused = limiter, allowance, refused

    async def admit(self, caller: Principal, operation: Operation) -> None:
        """Raises Problem when the caller has asked for too much."""
        limits = self._allowance.limits(caller)
        if not limits:
            return
        verdict = await self._limiter.take(limits, operation.cost)
        if (told := STANDINGS.get()) is not None:
            told[:] = verdict.standings
        if not verdict.admitted:
            spent = _spent(verdict, operation.cost)
            self._refused.labels(spent.limit.name).inc()
            detail = f"This {'API key' if spent.limit.name == 'key' else 'merchant'} asks for too much; try again later."
            retry_after = {"Retry-After": str(max(1, math.ceil(verdict.retry_after_s)))}
            raise Problem(Code.RATE_LIMITED, detail, headers=retry_after)


def _spent(verdict: Verdict, cost: int) -> Standing:
    """The limit that refuses: the one that will do so for longest."""
    return max(verdict.standings, key=lambda each: (cost - each.remaining) / each.limit.per_s)


def headers(standings: Sequence[Standing]) -> dict[str, str]:
    """`RateLimit-Policy`: of each limit the units (q) in a window of so many seconds (w). `RateLimit`: what remains
    of it (r), and the seconds until all of it is back (t).

    Source: IETF draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4.
    """
    if not standings:
        return {}
    policies = [
        f'"{each.limit.name}";q={each.limit.burst};w={math.ceil(each.limit.burst / each.limit.per_s)}'
        for each in standings
    ]
    left = [f'"{each.limit.name}";r={each.remaining};t={math.ceil(each.restored_s)}' for each in standings]
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(left)}
