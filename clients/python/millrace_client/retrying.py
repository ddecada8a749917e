"""When to ask again, and how long to pause before: as numbers, from numbers. Nothing is asked here, and no clock is read."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime


@dataclass(frozen=True, slots=True)
class Retries:
    """How a client asks again what may succeed later: with the same key, after a pause that doubles, drawn anew each time.

    `deadline_s`: for one call with all its tries and pauses, beside what it was told to wait for the end of a payment. Longer
    than the service needs to start a process again and to take over its work.
    """

    deadline_s: float = 60.0
    tries_max: int = 12
    pause_first_s: float = 0.2
    pause_max_s: float = 8.0

    def pause_s(self, tries: int, asked_for_s: float, draw: Callable[[], float]) -> float:
        """After `tries` tries. Never before the service asked for; `draw` gives a number from 0 to 1.

        Source: full jitter, as in "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
        """
        most = min(self.pause_max_s, self.pause_first_s * 2.0 ** min(tries - 1, 30))
        return asked_for_s + most * draw()


def retry_after_s(value: str | None, now: Callable[[], float]) -> float:
    """How long the service asks to wait; 0 where it does not say. `now`: of the wall clock. Source: RFC 9110, section 10.2.3."""
    if not value:
        return 0.0
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        at = parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return max(0.0, at - now()) if math.isfinite(at) else 0.0
