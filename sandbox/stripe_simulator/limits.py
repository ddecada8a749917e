"""Rate limits as Stripe has them: a token bucket per account and one per account and endpoint. Off until switched on.

Time is the simulator's. A limit lives as long as the process.
Source: docs.stripe.com/rate-limits (100 requests/s per account in live mode, 25 per endpoint; Stripe-Rate-Limited-Reason).
"""

from __future__ import annotations

from dataclasses import dataclass

from .records import JSON

ACCOUNT_PER_S = 100.0
ENDPOINT_PER_S = 25.0
BUCKETS_MAX = 10_000  # any well-formed key is an account: forget them all rather than grow without end


class BadLimit(ValueError):
    """A rate that is none."""


@dataclass(slots=True)
class Bucket:
    """Holds the tokens of one second."""

    per_s: float
    tokens: float
    at: float

    def refill(self, now: float) -> float:
        self.tokens = min(max(self.per_s, 1.0), self.tokens + self.per_s * max(now - self.at, 0.0))
        self.at = now
        return self.tokens


class Limits:
    """`None` for a rate: no such limit."""

    def __init__(self) -> None:
        self.account_per_s: float | None = None
        self.endpoint_per_s: float | None = None
        self.buckets: dict[tuple[str, str], Bucket] = {}

    def set(self, account_per_s: float | None, endpoint_per_s: float | None) -> None:
        self.account_per_s, self.endpoint_per_s = account_per_s, endpoint_per_s
        self.buckets.clear()

    @property
    def enabled(self) -> bool:
        return self.account_per_s is not None or self.endpoint_per_s is not None

    def take(self, account: str, endpoint: str, now: float) -> str | None:
        """Lets one request through, or says which limit it met. A refused request costs no token."""
        asked = (("", self.account_per_s, "global-rate"), (endpoint, self.endpoint_per_s, "endpoint-rate"))
        buckets = []
        for name, per_s, reason in asked:
            if per_s is None:
                continue
            bucket = self._bucket((account, name), per_s, now)
            if bucket.refill(now) < 1.0:
                return reason
            buckets.append(bucket)
        for bucket in buckets:
            bucket.tokens -= 1.0
        return None

    def _bucket(self, name: tuple[str, str], per_s: float, now: float) -> Bucket:
        if name not in self.buckets and len(self.buckets) >= BUCKETS_MAX:
            self.buckets.clear()
        return self.buckets.setdefault(name, Bucket(per_s, max(per_s, 1.0), now))


def read_rate(asked: JSON, name: str, default: float) -> float | None:
    given = asked.get(name, default)
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float) or given <= 0:
        raise BadLimit(f"{name} is a number above 0, or null for no such limit")
    return float(given)
