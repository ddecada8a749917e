"""I16: every event of a merchant's payments arrives at its server at least once, under one id, and never before it is durable.

But what a stranger tried on them never does (I10).
"""

from collections import defaultdict
from collections.abc import Iterator

from streams.wire.events import Story
from tests.system.evidence import Evidence

Got = list[tuple[str, str, dict[str, object]]]


def wrongly_told(found: Evidence, got: Got) -> Iterator[str]:
    """What was told and should not have been, or under two ids."""
    ids = defaultdict[str, set[str]](set)
    durable = {story.id: story for told in found.log.stories.values() for _, story in told}
    for _, id, payload in got:
        data = payload["data"]
        assert isinstance(data, dict)
        ids[data["id"]].add(id)
        if data["id"] not in durable:
            yield f"I16 {data['id']} was told and is not in the log"
        elif _is_a_strangers(durable[data["id"]]):
            yield f"I10 {data['id']} is what a stranger tried, and was told"
    yield from (f"I16 {event} was told under {len(each)} ids" for event, each in ids.items() if len(each) > 1)


def untold(found: Evidence, got: Got, merchant: str) -> list[str]:
    """Events of the merchant's that have not arrived, in words."""
    arrived = {payload["data"]["id"] for _, _, payload in got}  # type: ignore[index]
    mine = [id for id, transaction in found.log.replayed.items() if transaction.merchant == merchant]
    events = {story.id for id in mine for _, story in found.log.stories[id] if not _is_a_strangers(story)}
    return [f"I16 {event} was never told" for event in events - arrived]


def _is_a_strangers(story: Story) -> bool:
    told = story.content
    return story.type == "command.refused.v1" and told["sender"] != told["merchant"]
