"""One payment as the event log tells it, folded as its events are read. What others keep of it is not known here."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from models.errors import InvariantBroken
from models.ports import Change, View
from streams.adapters.postgres.kept import DIGEST_BYTES, event_digest
from streams.delivery import Poison
from streams.wire.changes import change_of

WRONG_MAX = 10  # sentences about one payment's numbers
UNKEEPABLE = bytes(DIGEST_BYTES)
"""In place of the digest of an event that PostgreSQL cannot hold: the projection has made it a dead letter."""


@dataclass(slots=True)
class Story:
    """About 1.5 kB. `merchant`: whose the payment is; before there is one, who was refused first. `sequence`: of the last event;
    `view`: the payment as the last event that shows it has it, as JSON.
    """

    merchant: str
    first: int
    sequence: int = 0
    view: bytes | None = None
    digests: bytearray = field(default_factory=bytearray)
    wrong: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether its first event was read: it was not, where the reading began later."""
        return self.first == 1

    def shown(self) -> View | None:
        return None if self.view is None else dict(orjson.loads(self.view))

    def digest(self, sequence: int) -> bytes | None:
        at = (sequence - self.first) * DIGEST_BYTES
        return bytes(self.digests[at : at + DIGEST_BYTES]) or None if at >= 0 else None

    def add(self, change: Change) -> None:
        event = change.event
        if event.sequence != self.sequence + 1:
            self.wrong = (*self.wrong, f"event {event.sequence} after {self.sequence}")[:WRONG_MAX]
            if event.sequence <= self.sequence:
                return
            self.digests += UNKEEPABLE * (event.sequence - self.sequence - 1)
        self.sequence = event.sequence
        if self.view is not None and event.merchant != self.merchant:
            self.wrong = (*self.wrong, f"event {event.sequence} of {event.merchant}")[:WRONG_MAX]
        if change.payment is not None:
            if self.view is None:
                self.merchant = event.merchant
            # a copy of the exact size: serialisers return a slice of a larger buffer (some 13 kB kept for 1 kB)
            self.view = bytes(memoryview(orjson.dumps(change.payment)))
        try:
            self.digests += event_digest(event)
        except (InvariantBroken, KeyError, TypeError, ValueError):
            self.digests += UNKEEPABLE


class Stories(dict[str, Story]):
    """By payment id. `unreadable`: records that are no events, which nobody but Millrace should have been able to write."""

    def __init__(self) -> None:
        self.unreadable = 0

    def read(self, records: Iterable[Any], only: "set[str] | None" = None) -> None:
        """`only`: events of other payments are passed over."""
        for record in records:
            if only is not None and (record.key or b"").decode(errors="replace") not in only:
                continue
            try:
                change = change_of(record)
            except Poison:
                self.unreadable += 1
                continue
            event = change.event
            story = self.get(event.payment_id)
            if story is None:
                # a story is told from 1 on; a first number above it is one whose beginning was left out, or lost
                story = self[event.payment_id] = Story(event.merchant, event.sequence, event.sequence - 1)
            story.add(change)


def made_since(story: Story, since: datetime | None) -> bool:
    """Whether its payment was made since then. One that shows no payment was refused: its events alone can be compared."""
    if since is None:
        return True
    view = story.shown()
    return view is not None and datetime.fromisoformat(view["created_at"]) >= since
