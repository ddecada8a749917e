"""Who waits for an account's tokens: the urgent first, among them the oldest. Bounded: the least of them is turned away."""

import asyncio
from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum


class Urgency(IntEnum):
    """What is done first when not all can be. Money that is held or owed comes before a new payment; a look can wait."""

    MOVE = 0
    CREATE = 1
    READ = 2


@dataclass(slots=True, order=True)
class Waiter:
    """`since`: when its payment asked for it first, in seconds since 1970. `admitted` is set to whether it may send."""

    urgency: Urgency
    since: float
    admitted: asyncio.Future[bool] = field(compare=False)

    def say(self, admitted: bool) -> None:
        if not self.admitted.done():  # its process may be stopping
            self.admitted.set_result(admitted)


class Room:
    """By endpoint. Of those whose wait has ended, none is in here."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Waiter]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def at(self, endpoint: str) -> int:
        return len(self._waiting.get(endpoint, ()))

    def add(self, endpoint: str, waiter: Waiter) -> None:
        insort(self._waiting.setdefault(endpoint, []), waiter)

    def remove(self, endpoint: str, waiter: Waiter) -> None:
        """It waits no longer, whether it was here or not."""
        self._keep(endpoint, [each for each in self._waiting.get(endpoint, ()) if each is not waiter])

    def endpoints(self) -> Iterator[str]:
        """Those that somebody waits for, the one of the most urgent first."""
        return iter(sorted(self._waiting, key=lambda endpoint: self._waiting[endpoint][0]))

    def admit(self, endpoint: str, count: int) -> None:
        waiting = self._waiting.get(endpoint, [])
        for waiter in waiting[:count]:
            waiter.say(True)
        self._keep(endpoint, waiting[count:])

    def turn_away(self, endpoint: str) -> None:
        """The least of those who wait for `endpoint`."""
        waiting = self._waiting[endpoint]
        waiting[-1].say(False)
        self._keep(endpoint, waiting[:-1])

    def make_way(self, urgency: Urgency, since: float) -> bool:
        """Turn away somebody who comes after that, if there is one."""
        last = max(self._waiting, key=lambda endpoint: self._waiting[endpoint][-1], default=None)
        if last is None:
            return False
        least = self._waiting[last][-1]
        if (least.urgency, least.since) <= (urgency, since):
            return False
        self.turn_away(last)
        return True

    def _keep(self, endpoint: str, waiting: list[Waiter]) -> None:
        if waiting:
            self._waiting[endpoint] = waiting
        else:
            self._waiting.pop(endpoint, None)
