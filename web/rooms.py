"""How many may be inside at once, and how many of them one merchant's. What they do there is not known here."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from models.codes import Code
from web.problems import Problem, unavailable

REQUESTS_MAX = 1024
"""Inside a process at once, most of them waiting for an answer: two seconds' worth of what it carries, and 256 MB at most."""

TOO_MANY = "Too many requests are being answered; try again."


class Room:
    """`most`: altogether, of whomever."""

    def __init__(self, most: int) -> None:
        self.most, self.inside = most, 0

    @property
    def is_full(self) -> bool:
        return self.inside >= self.most

    @contextmanager
    def taken(self, always: bool = False) -> Iterator["Stay"]:
        """`always`: whatever there is room for. Raises Problem."""
        if self.is_full and not always:
            raise unavailable(TOO_MANY)
        self.inside += 1
        stay = Stay(self)
        try:
            yield stay
        finally:
            self.inside -= stay.has_a_place


class Stay:
    """Of one who is inside. Who means to stay for hours gives the place up, and is bounded otherwise."""

    def __init__(self, room: Room) -> None:
        self._room, self.has_a_place = room, True

    def give_up(self) -> None:
        self._room.inside -= self.has_a_place
        self.has_a_place = False


class Shares:
    """`most`: of each merchant's, whatever their keys."""

    def __init__(self, most: int) -> None:
        self.most, self._of = most, Counter[str]()

    @contextmanager
    def taken(self, merchant: str) -> Iterator[None]:
        """Raises Problem."""
        if self._of[merchant] >= self.most:
            raise Problem(Code.RATE_LIMITED, f"A merchant may have {self.most} such requests open at once.")
        self._of[merchant] += 1
        try:
            yield
        finally:
            self._of[merchant] -= 1
            if not self._of[merchant]:
                del self._of[merchant]
