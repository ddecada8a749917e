"""The simulator's time: the machine's, plus an offset that only a command moves."""

from __future__ import annotations

import time


class Clock:
    """Seconds since the epoch as the simulator sees them."""

    def __init__(self, offset_s: float = 0.0) -> None:
        self.offset_s = offset_s

    def now(self) -> float:
        return time.time() + self.offset_s

    def advance(self, seconds: float) -> None:
        self.offset_s += seconds

    def set(self, now: float) -> None:
        self.offset_s = now - time.time()
