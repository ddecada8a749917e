"""How many may be inside at once, and how many of them one merchant's. What they do there is not known here."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from models.codes import Code
from web.problems import Problem, unavailable


class Room:
    """`most`: altogether. `of_one_max`: of one merchant's, whatever their keys; where nobody says who it is, nobody's."""

    def __init__(self, most: int, of_one_max: int = 0) -> None:
        self.most, self.of_one_max, self.inside = most, of_one_max, 0
        self._of = Counter[str]()

    @contextmanager
    def taken(self) -> Iterator[None]:
        if self.inside >= self.most:
            raise unavailable("Too many requests are being answered; try again.")
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1

    @contextmanager
    def taken_by(self, merchant: str) -> Iterator[None]:
        """Of a place that is taken: whose it is, once that is known."""
        if self._of[merchant] >= self.of_one_max:
            raise Problem(
                Code.RATE_LIMITED, f"A merchant may have {self.of_one_max} such requests open at once."
            )
        self._of[merchant] += 1
        try:
            yield
        finally:
            self._of[merchant] -= 1
            if not self._of[merchant]:
                del self._of[merchant]
