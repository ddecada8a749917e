"""A breaker: what has just failed is left alone for a moment, so that a dead server costs a request nothing."""

import time
from collections.abc import Callable


class Breaker:
    """Closed until something fails; then one attempt goes through every `pause_s`, until one succeeds."""

    def __init__(self, pause_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self._pause_s, self._now = pause_s, now
        self._again_at: float | None = None

    def lets_through(self) -> bool:
        """Whether to try. Says so to one caller only while it is open: that one is the probe."""
        if self._again_at is None:
            return True
        if self._now() < self._again_at:
            return False
        self._again_at = self._now() + self._pause_s
        return True

    def failed(self) -> None:
        self._again_at = self._now() + self._pause_s

    def succeeded(self) -> None:
        self._again_at = None
