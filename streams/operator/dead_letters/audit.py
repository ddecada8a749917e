"""What became of dead letters, as it is kept on `payments.operator-audit.v1`: who settled which, when, how and why, for ever.

In Kafka, like the letters: they must be manageable while PostgreSQL is away.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from streams.delivery.sending import Item
from streams.operator import words
from streams.operator.reading import records
from streams.settings import Settings
from streams.topics import AUDIT

REDRIVEN, DROPPED = "redriven", "dropped"
TYPE = "dead_letter.settled.v1"


@dataclass(frozen=True, slots=True)
class Settled:
    """`fate`: REDRIVEN or DROPPED. `source` and `code`: the letter's own, which passes away before this does."""

    letter: str
    fate: str
    operator: str
    reason: str
    source: str
    code: str
    at: datetime


def item(settled: Settled) -> Item:
    return words.item(settled, f"dead-letter/{settled.letter}", TYPE, settled.letter)


Name = tuple[str, str]
"""Where a letter lies, and its source: its place alone comes again where the topic is made anew, and the audit is for ever."""


async def settlements(settings: Settings) -> dict[Name, Settled]:
    """All there ever were, by letter. The topic grows by what people do by hand. Raises Unavailable."""
    return first_words([record async for record in records(settings, AUDIT, may_be_missing=True)])


def first_words(written: Iterable[Any]) -> dict[Name, Settled]:
    """By letter, the first of each: it is settled once, and what is written of it later does not undo that. What is no such
    record is passed over: what is kept for ever must not stand in the way for ever.
    """
    found: dict[Name, Settled] = {}
    for record in written:
        if (settled := read(record)) is not None:
            found.setdefault((settled.letter, settled.source), settled)
    return found


def read(record: Any) -> Settled | None:
    """None where the record tells of no letter."""
    settled = words.read(record, Settled, "letter")
    return settled if settled is not None and settled.fate in (REDRIVEN, DROPPED) else None
