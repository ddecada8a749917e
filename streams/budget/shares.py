"""How much of a gateway's calls one account may hold, so that one that is throttled or broken never fills it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Shares:
    """`limit`: calls under way in the gateway. `accounts`: how many there are; a single one may have it all."""

    def __init__(self, limit: int, accounts: int) -> None:
        self._limit, self._accounts = limit, accounts
        self._held: Counter[str] = Counter()

    @property
    def held(self) -> int:
        """Calls under way, of all accounts."""
        return self._held.total()

    def has_room(self, account: str) -> bool:
        """An account may hold as many as are left free for all: a second one then finds half of that, and so on, and they
        come to be equal. Source: dynamic thresholds (Choudhury and Hahne, 1998).
        """
        share = self._limit if self._accounts == 1 else self._limit - self.held
        return self._held[account] < share

    @contextmanager
    def one(self, account: str) -> Iterator[None]:
        self._held[account] += 1
        try:
            yield
        finally:
            self._held[account] -= 1
            if not self._held[account]:
                del self._held[account]
