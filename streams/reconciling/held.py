"""What differed, or is open, kept until it has been looked at often enough; and what is then said of it. Nothing is read here."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.errors import Unavailable
from streams.adapters.stripe_books import Facts
from streams.reconciling.comparing import EVENTS, Difference, Found
from streams.reconciling.stories import Stories, Story

HELD_MAX = 100_000
"""Payments: some 300 MB. More is no difference, it is another system."""


@dataclass
class Look:
    """What one look at a payment found, by truth. `open`: why it may differ from Stripe; `before`: what the look before found."""

    found: dict[str, Found]
    open: str | None = None
    before: dict[str, Found] | None = None

    @property
    def is_held(self) -> bool:
        return self.open is not None or any(self.found.values())

    def stood(self) -> dict[str, Found]:
        """What two looks in a row found: a payment may have moved between the readings of one look."""
        before = self.found if self.before is None else self.before
        return {
            truth: {name: pair for name, pair in found.items() if name in before.get(truth, {})}
            for truth, found in self.found.items()
        }


class Held:
    """By payment id. `intents`: those that Stripe's books had of it."""

    def __init__(self) -> None:
        self.looks: dict[str, Look] = {}
        self.stories = Stories()
        self.rows: dict[str, bytes] = {}
        self.intents: dict[str, set[str]] = {}

    def hold(
        self,
        id: str,
        look: Look,
        story: Story | None = None,
        row: bytes | None = None,
        seen: Sequence[Facts] = (),
    ) -> None:
        """Raises Unavailable when there are too many."""
        if len(self.looks) >= HELD_MAX:
            raise Unavailable(f"more than {HELD_MAX:,} payments differ or are open: are these of one system?")
        self.looks[id] = look
        self.intents[id] = {facts.intent for facts in seen}
        if story is not None:
            self.stories[id] = story
        if row is not None:
            self.rows[id] = row

    def seen_again(self, id: str, look: Look) -> None:
        """What is right now is not held any longer."""
        look.before = self.looks.pop(id).found
        if look.is_held:
            self.looks[id] = look

    def open(self) -> dict[str, str]:
        """Why, by payment id."""
        return {id: look.open for id, look in sorted(self.looks.items()) if look.open is not None}

    def differences(self) -> list[Difference]:
        return [each for id, look in sorted(self.looks.items()) for each in self._of(id, look.stood())]

    def _of(self, id: str, stood: dict[str, Found]) -> list[Difference]:
        """One for each field, with what every truth that was asked says of it."""
        merged: dict[str, Difference] = {}
        merchant = self.stories[id].merchant if id in self.stories else ""
        for truth, found in stood.items():
            for name, (told, theirs) in found.items():
                difference = merged.setdefault(name, Difference(id, merchant, name, {EVENTS: told}))
                if truth != EVENTS:
                    difference.values[truth] = theirs
        return list(merged.values())
