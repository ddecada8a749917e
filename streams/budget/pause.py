"""Whether anything is sent at all: not while an account's key is refused, or nobody answers. One call at a time finds out when it
is over. Pure: time comes in.
"""

from dataclasses import dataclass

DOWN_AFTER = 10
"""Sends in a row without an answer of substance. Fewer happen to a few calls on a bad day."""
DOWN_AFTER_S = 2.0
"""Since the first of them: ten calls that were sent at once may fail together."""
PROBE_FIRST_S, PROBE_MAX_S = 2.0, 30.0
"""Between two calls that find out; doubled from the first to the longest."""
REFUSED_PROBE_S = 30.0
"""The same while the key is refused: a person has to mend that."""


@dataclass(slots=True)
class Pause:
    failures: int = 0
    failing_since: float = 0.0  # when the first of the failures was
    reason: str | None = None  # why it is paused; None: it is not
    probe_at: float = 0.0
    probe_every_s: float = PROBE_FIRST_S

    def lets_through(self, now: float) -> bool:
        if self.reason is None:
            return True
        if now < self.probe_at:
            return False
        self._wait(now)
        return True

    def answered(self) -> bool:
        """Whether it was paused until now."""
        was_paused, self.reason = self.reason is not None, None
        self.failures, self.probe_every_s = 0, PROBE_FIRST_S
        return was_paused

    def failed(self, now: float, reason: str) -> bool:
        """Whether it is paused from now on, for the first time."""
        if self.failures == 0:
            self.failing_since = now
        self.failures += 1
        is_down = self.failures >= DOWN_AFTER and now - self.failing_since >= DOWN_AFTER_S
        if self.reason is None and is_down:
            self._pause(now, reason, PROBE_FIRST_S)
            return True
        return False

    def refused(self, now: float, reason: str) -> bool:
        """Likewise; nothing but another key, or other rights, can help."""
        was_paused = self.reason is not None
        self._pause(now, reason, REFUSED_PROBE_S)
        return not was_paused

    def _pause(self, now: float, reason: str, probe_every_s: float) -> None:
        self.reason, self.probe_every_s = reason, probe_every_s
        self._wait(now)

    def _wait(self, now: float) -> None:
        self.probe_at = now + self.probe_every_s
        self.probe_every_s = min(self.probe_every_s * 2, PROBE_MAX_S)
