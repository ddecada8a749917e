"""What happened in one run, line by line: at which time, to whom, what. Two runs of one seed tell the same, to the letter."""

from collections.abc import Callable


class Story:
    """`now` in seconds since its beginning."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.lines: list[str] = []

    def note(self, who: str, what: str) -> None:
        self.lines.append(f"{self._now():10.4f} {who:<14} {what}")
