"""What an operator must see of a process, as plain numbers; the composition root publishes them.

Nothing here knows a metrics library, and nothing here decides anything.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from streams.delivery.records import Partition

REBALANCES_PER_MINUTE_ALARM = (
    6  # a rolling restart of three workers makes four; an endless rebalance made thirty
)
MINUTE_S = 60.0

log = logging.getLogger("millrace.delivery")


@dataclass
class Metrics:
    ready: bool = False  # partitions assigned, table recovered, records flowing
    lag: dict[Partition, int] = field(
        default_factory=dict
    )  # records of the source not finished, per owned partition
    records: int = 0  # finished
    dead_letters: int = 0
    transactions: int = 0
    commit_s: float = 0.0  # the sum over all transactions or offset commits, begin to acknowledged
    commits_failed: int = 0  # offset commits refused because a rebalance was on; those records come again
    answers_sent: int = 0
    answers_dropped: int = 0
    rebalances: int = 0
    recovered_keys: int = 0
    recovery_s: float = 0.0  # the last one
    on_commit_s: Callable[[float], None] | None = None  # called with the seconds of each; for a histogram
    _recent: deque[float] = field(default_factory=deque)
    _alarmed_at: float = float("-inf")

    def committed(self, seconds: float) -> None:
        self.commit_s += seconds
        if self.on_commit_s is not None:
            self.on_commit_s(seconds)

    def rebalanced(self) -> None:
        """Count it, and cry when there are too many: a group that only rebalances does no work, and raises nothing."""
        now = time.monotonic()
        self.rebalances += 1
        self._recent.append(now)
        if self.rebalances_per_minute > REBALANCES_PER_MINUTE_ALARM and now - self._alarmed_at > MINUTE_S:
            self._alarmed_at = now
            log.error("%d rebalances within a minute: this group is not settling", self.rebalances_per_minute)

    @property
    def rebalances_per_minute(self) -> int:
        while self._recent and self._recent[0] < time.monotonic() - MINUTE_S:
            self._recent.popleft()
        return len(self._recent)
