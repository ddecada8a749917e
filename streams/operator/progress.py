"""How far a long command has come: one line on standard error, with its rate and the time left. Nothing is measured elsewhere."""

import sys
import time
from collections.abc import Callable
from typing import TextIO

ON_A_TERMINAL_S, IN_A_FILE_S = 0.5, 10.0  # between two lines: the first overwrites itself
WARMED_UP_S = 1.0  # before that a rate says nothing


class Progress:
    """`total` may be raised while it goes on; 0: nobody knows it."""

    def __init__(
        self,
        what: str,
        total: int = 0,
        to: TextIO | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.what, self.total = what, total
        self.done = 0
        self._to, self._now = to or sys.stderr, now
        self._began_at = self._told_at = now()
        self._every_s = ON_A_TERMINAL_S if self._to.isatty() else IN_A_FILE_S

    def add(self, count: int) -> None:
        self.done += count
        if self._now() - self._told_at >= self._every_s:
            self._told_at = self._now()
            self._tell(self._line())

    def end(self) -> None:
        self.total = self.done  # what was counted beforehand may hold what is no record
        self._tell(self._line(), last=True)

    @property
    def has_told(self) -> bool:
        """Whether a line of it was written: what takes no longer need not end with one either."""
        return self._told_at != self._began_at

    @property
    def per_s(self) -> float:
        return self.done / max(self._now() - self._began_at, 1e-3)

    def _line(self) -> str:
        took_s = self._now() - self._began_at
        known = f" of {self.total:,}" if self.total > self.done else ""
        line = f"{self.what}: {self.done:,}{known}, {self.per_s:,.0f}/s"
        if known and took_s >= WARMED_UP_S and self.done:
            left_s = (self.total - self.done) / self.per_s
            line += f", {left_s // 60:.0f} min {left_s % 60:.0f} s left"
        return line

    def _tell(self, line: str, last: bool = False) -> None:
        overwriting = self._to.isatty()
        self._to.write(f"\r\033[K{line}" if overwriting else f"{line}\n")
        if last and overwriting:
            self._to.write("\n")
        self._to.flush()


class Steps:
    """A line of progress for each thing that is done, one after the other."""

    def __init__(self) -> None:
        self._now: Progress | None = None

    def tell(self, what: str, count: int, total: int) -> None:
        if self._now is None or self._now.what != what:
            self.end()
            self._now = Progress(what, total)
        self._now.add(count)

    def end(self) -> None:
        if self._now is not None:
            self._now.end()
        self._now = None
