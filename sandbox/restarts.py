"""When a part that died is started again, and when not any more. Decides only: no clock, no process.

A death is held against a part when it ends by itself, or is ended because it did not answer. One that
somebody killed is started again however often that happens: kills prove nothing about the part.
"""

import signal
from dataclasses import dataclass

BACKOFF_S = (
    0.0,
    0.1,
    0.25,
    0.5,
    1.0,
    2.0,
    5.0,
)  # the first restart is at once, the seventh and later wait 5 s
KILLED_BACKOFF_MAX_S = 0.5  # whoever is killed again and again is soon back again and again
CALM_S = 10.0  # ready for so long, and the next death counts as the first again
FIRST_START_FAILURES = 3  # in a row before the very first readiness: the start has failed
CRASH_LOOP_FAILURES = 20  # in a row without readiness later on: about 80 s of trying
KILLS = {-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP}


@dataclass
class Restarts:
    """The record of one part."""

    was_ready_once: bool = False
    failures: int = 0  # deaths held against it since it was last ready
    quick_deaths: int = 0  # deaths of any kind without a calm time between

    def ready(self) -> None:
        """It answers."""
        self.was_ready_once = True
        self.failures = 0

    def died(self, exit_code: int, ready_for_s: float) -> float | None:
        """Seconds to wait before the next start; None: no more. `ready_for_s` is 0 when it never answered."""
        if ready_for_s >= CALM_S:
            self.quick_deaths = 0
        killed = exit_code in KILLS
        if ready_for_s == 0 and not killed:
            self.failures += 1
        if self.failures >= (CRASH_LOOP_FAILURES if self.was_ready_once else FIRST_START_FAILURES):
            return None
        delay_s = BACKOFF_S[min(self.quick_deaths, len(BACKOFF_S) - 1)]
        self.quick_deaths += 1
        return min(delay_s, KILLED_BACKOFF_MAX_S) if killed else delay_s
