"""I10, I16: every event of a merchant's payments arrives at its server, and at no other's: at least once, under one id, and never
before it is durable. But what a stranger tried on them never does.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from streams.wire.events import Story
from tests.system.truths import Replayed

Got = list[tuple[str, str, Any]]


@dataclass(frozen=True)
class Told:
    """What merchants' servers were told so far. `hooks`: whose the paths are; `first_at`: by webhook id, in s since 1970."""

    got: Got
    hooks: Mapping[str, str]
    first_at: Mapping[str, float]


def wrongly_told(log: Replayed, told: Told) -> Iterator[str]:
    """What was told and should not have been, or not there, or not yet, or under two ids. Each server has ids of its own."""
    ids = defaultdict[tuple[str, str], set[str]](set)
    durable = {story.id: story for happened in log.stories.values() for _, story in happened}
    written_ms = log.written_ms()
    for path, id, payload in told.got:
        event, merchant = payload["data"]["id"], told.hooks[path]
        ids[path, event].add(id)
        story = durable.get(event)
        if story is None:
            yield f"I16 {event} was told and is not in the log"
        elif story.content["merchant"] != merchant:
            yield f"I10 {event} of {story.content['merchant']} was told to {merchant}"
        elif _is_a_strangers(story):
            yield f"I10 {event} is what a stranger tried, and was told"
        if (early_ms := written_ms.get(event, 0) - told.first_at[id] * 1000) > 0:
            yield f"I16 {event} was told {early_ms:.0f} ms before it was written"
    yield from (f"I16 {event} was told under {len(each)} ids" for event, each in ids.items() if len(each) > 1)


def untold(log: Replayed, told: Told) -> list[str]:
    """Events of these merchants that have not arrived, in words."""
    arrived = {(told.hooks[path], payload["data"]["id"]) for path, _, payload in told.got}
    mine = {
        (transaction.merchant, story.id)
        for id, transaction in log.replayed.items()
        for _, story in log.stories[id]
        if transaction.merchant in told.hooks.values() and not _is_a_strangers(story)
    }
    return [f"I16 {event} of {merchant} was never told" for merchant, event in mine - arrived]


def _is_a_strangers(story: Story) -> bool:
    told = story.content
    return story.type == "command.refused.v1" and told["sender"] != told["merchant"]
