"""What a limit that nobody told us can be learnt from: its refusals. Additive increase, multiplicative decrease; pure.

Each gateway learns for itself, of each endpoint, and so they share what there is as any number of senders do. It is a
ceiling on the rate, not on what is in flight: one call in flight at a time may be 200 a second, or three.

    refused    ->  a little below what went through within the last second
    then       ->  half a hundredth of it more each second; after half a minute without a refusal, twice as much every ten. A
                   ceiling of few sends is little evidence: it is doubted the sooner
    unmeasured ->  refused after less than a second of sending, or after little of it: twice as much each second, until it is
                   refused again
"""

import math
from dataclasses import dataclass

from streams.budget.bucket import Bucket

KEPT_OF_GOOD = 0.97
FIRST_PART = 0.7
"""The same at the first refusal: until then a limit's own store, of a second or so, was used up, too."""
GROWTH_PER_S = 0.005
STEADY_S, DOUBLED_EVERY_S = 30.0, 10.0
STEADY_SENDS = 4.0
"""No ceiling is held for longer than so many times what it lets through in a second."""
CUT_EVERY_S = 1.0
"""What the cut has done shows after this."""
LEAST_PER_S = 0.5
"""Something must be sent for the limit to be seen lifted."""
MEASURED_SENDS, MEASURED_PART = 8, 0.25
"""What must have gone through within the second for a refusal to be a measure: so many, or so much of the ceiling. Who sent less
was refused because of somebody else.
"""
NO_CEILING_PER_S = 10_000.0
"""From here on a ceiling is none: no gateway sends as much."""
DOUBLINGS_MAX = 32.0
"""More than lead from the least ceiling to none; after a quiet night there would be more than a float can hold."""


@dataclass(slots=True)
class LearntRate:
    bucket: Bucket
    window_at: float
    good: int = 0  # went through, and was not refused, since `window_at`
    good_before: int = 0  # within the second before that
    peak_per_s: float | None = None  # what was good when it was last refused
    good_at_cut: float = 0.0
    cut_at: float = 0.0
    window_of_cut_at: float = 0.0
    searching: bool = False

    @classmethod
    def begun(cls, now: float) -> "LearntRate":
        return cls(Bucket(now), now)

    def per_s(self, now: float) -> float | None:
        """The ceiling; None: none is known."""
        if self.peak_per_s is None:
            return None
        age_s = now - self.cut_at
        steady_s = min(STEADY_S, STEADY_SENDS * self.peak_per_s)
        factor = KEPT_OF_GOOD + GROWTH_PER_S * min(age_s, steady_s)
        doublings = age_s if self.searching else max(age_s - steady_s, 0.0) / DOUBLED_EVERY_S
        ceiling = self.peak_per_s * factor * math.pow(2.0, min(doublings, DOUBLINGS_MAX))
        if ceiling > NO_CEILING_PER_S:
            self.peak_per_s = None
            return None
        return ceiling

    def available(self, now: float) -> float:
        """Sends that may go now: whole ones, or without end."""
        ceiling = self.per_s(now)
        return math.inf if ceiling is None else self.bucket.available(now, ceiling)

    def wait_s(self, now: float) -> float:
        ceiling = self.per_s(now)
        return 0.0 if ceiling is None else self.bucket.wait_s(ceiling)

    def take(self, now: float, count: int) -> None:
        self._roll(now)
        self.good += count
        if self.peak_per_s is not None:
            self.bucket.take(count)

    def refused(self, now: float, sent_at: float) -> bool:
        """Whether the ceiling was lowered by it.

        It is taken from the second it was sent in, for an answer may take longer than that; and what was sent before a cut
        only says that less was good then than it looked.
        """
        self._roll(now)
        if sent_at >= self.window_at:
            self.good -= 1
        elif sent_at >= self.window_at - 1.0:
            self.good_before -= 1
        if self.peak_per_s is not None and sent_at <= self.cut_at:
            self.good_at_cut -= self._counted_at_cut(sent_at)
            self.peak_per_s = max(LEAST_PER_S, min(self.peak_per_s, self.good_at_cut))
            return False
        known = self.per_s(now)
        if known is not None and now - self.cut_at < CUT_EVERY_S:
            return False
        self.good_at_cut = self.good_before * (1.0 - (now - self.window_at)) + self.good
        enough = MEASURED_SENDS if known is None else min(MEASURED_SENDS, MEASURED_PART * known)
        self.searching = self.good_at_cut < enough
        most = FIRST_PART * self.good_at_cut if known is None else known
        self.peak_per_s = max(LEAST_PER_S, min(self.good_at_cut, most))
        self.cut_at, self.window_of_cut_at = now, self.window_at
        self.bucket = Bucket(now)
        return True

    def _counted_at_cut(self, sent_at: float) -> float:
        if sent_at >= self.window_of_cut_at:
            return 1.0
        in_sight = sent_at >= self.window_of_cut_at - 1.0
        return 1.0 - (self.cut_at - self.window_of_cut_at) if in_sight else 0.0

    def _roll(self, now: float) -> None:
        """Windows of a second."""
        passed = int(now - self.window_at)
        if passed:
            self.good_before = max(self.good, 0) if passed == 1 else 0
            self.good = 0
            self.window_at += passed
