"""What one run draws, all of it from its fault and its seed: chances, turns and keys. Nothing is done here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import TypeVar

T = TypeVar("T")


@dataclass
class Draws:
    """Of the fault `name`; each of two that strike at once has its own."""

    name: str = "world"
    seed: int = 1
    random: Random = field(init=False)
    _keys: Iterator[int] = field(init=False, default_factory=count)

    def __post_init__(self) -> None:
        self.random = Random(f"{self.name}/{self.seed}")

    def turn(self, options: Sequence[T]) -> T:
        """One after the other by the seed, which counts from 1: as many seeds as there are options try each once."""
        return options[(self.seed - 1) % len(options)]

    def key(self, what: str) -> str:
        """Another each time. A system that has each fault under each seed once sees no key of two runs."""
        return f"{what}-{self.name}-{self.seed}-{next(self._keys)}"
