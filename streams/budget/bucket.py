"""A token bucket, pure: time comes in. Who shares it, and who waits for it, is not its business."""

from dataclasses import dataclass

BURST_S = 0.25
"""A bucket holds what comes within this: Stripe's own holds more, so what meets on the way there fits into it."""


def burst_of(per_s: float) -> float:
    return max(1.0, per_s * BURST_S)


@dataclass(slots=True)
class Bucket:
    """`tokens` at the time `at` (seconds of any clock); it begins with none, so that many begun at once stay within the rate."""

    at: float
    tokens: float = 0.0

    def available(self, now: float, per_s: float) -> int:
        """Whole tokens, refilled at `per_s`."""
        self.tokens = min(burst_of(per_s), self.tokens + per_s * max(now - self.at, 0.0))
        self.at = now
        return int(self.tokens)

    def take(self, count: int) -> None:
        self.tokens -= count

    def wait_s(self, per_s: float) -> float:
        """Until the next whole token."""
        return max(0.0, (1.0 - self.tokens) / per_s)
