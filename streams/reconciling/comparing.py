"""A story of the log beside the writer's row and PostgreSQL's rows: which fields differ, and what each says. Nothing is read."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from models.ports import View
from models.representation import payment_view
from models.row import Row
from streams.adapters.postgres.kept import Kept, payment_to_keep, refund_to_keep
from streams.reconciling.stories import UNKEEPABLE, Story
from streams.wire import rows

EVENTS, TABLE, POSTGRES, STRIPE = "events", "table", "postgres", "stripe"
PAYMENT = "payment"  # the field that is the payment as a whole: one of the two has none
THERE, MISSING, UNREADABLE = "there", None, "unreadable"
EVENTS_SHOWN_MAX = 20  # of one payment, of those that differ

Pair = tuple[Any, Any]
"""What the log says, and what the other says."""


@dataclass(slots=True)
class Difference:
    """One field of one payment, with what each truth that was asked says of it."""

    payment: str
    merchant: str
    field: str
    values: dict[str, Any] = dataclasses.field(default_factory=dict)


Found = dict[str, Pair]
"""By field."""


def in_the_log(story: Story | None) -> Found:
    """What is wrong with the story itself: its numbers."""
    if story is None or (story.is_whole and not story.wrong):
        return {}
    wrong = story.wrong or (f"begins with {story.first}",)
    return {"sequence": (", ".join(wrong), "1, 2, 3 …")}


def with_table(story: Story | None, value: bytes | None) -> Found:
    if story is None or value is None:
        told, kept = story is not None, value is not None
        return {} if told == kept else {PAYMENT: (THERE if told else MISSING, THERE if kept else MISSING)}
    row = readable_row(value)
    if row is None:
        return {PAYMENT: (THERE, UNREADABLE)}
    transaction, view = row.transaction, story.shown()
    found: Found = {}
    if transaction.sequence != story.sequence:
        found["sequence"] = (story.sequence, transaction.sequence)
    if view is None or transaction.payment is None:
        if (view is None) != (transaction.payment is None):
            found[PAYMENT] = (THERE, MISSING) if view else (MISSING, THERE)
        return found
    kept_view = payment_view(transaction, view["livemode"])
    # an event may show no payment: the view may be of one before
    return found | differing(view | {"sequence": 0}, _as_json(kept_view) | {"sequence": 0})


def readable_row(value: bytes) -> Row | None:
    """None for what nobody but a foreign writer on the changelog can have put there."""
    try:
        return rows.read(value)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def with_postgres(story: Story | None, kept: Kept) -> Found:
    view = story.shown() if story else None
    found: Found = {}
    if view is None or kept.payment is None:
        if (view is None) != (kept.payment is None):
            found[PAYMENT] = (THERE, MISSING) if view else (MISSING, THERE)
    else:
        found |= differing(payment_to_keep(view), kept.payment, "row")
    refunds = {each["id"]: refund_to_keep(view, each) for each in view["refunds"]} if view else {}
    for id in sorted(refunds.keys() | kept.refunds.keys()):
        ours, theirs = refunds.get(id), kept.refunds.get(id)
        if ours is None or theirs is None:
            found[f"refund row {id}"] = (THERE if ours else MISSING, THERE if theirs else MISSING)
        else:
            found |= differing(ours, theirs, f"refund row {id}")
    return found | dict(_events(story, kept))


def _events(story: Story | None, kept: Kept) -> Iterator[tuple[str, Pair]]:
    shown = 0
    told = range(story.first, story.sequence + 1) if story else range(0)
    for sequence in sorted({*told, *kept.events}):
        ours = story.digest(sequence) if story else None
        theirs = kept.events.get(sequence)
        if ours == theirs or (ours == UNKEEPABLE and theirs is None):
            continue
        shown += 1
        if shown > EVENTS_SHOWN_MAX:
            return
        yield f"event {sequence}", (_named(ours), _named(theirs))


def _named(digest: bytes | None) -> str | None:
    """Two events are told apart by their digests: what they hold is more than a field."""
    return MISSING if digest is None else f"digest {digest.hex()}"


def differing(ours: View, theirs: View, within: str = "") -> Found:
    """Field by field, lists of things with an id by their ids. A `body` is the thing itself, as it is shown."""
    if ours == theirs:
        return {}
    mine, others = dict(_flat(ours, within)), dict(_flat(theirs, within))
    return {
        name: (mine.get(name), others.get(name))
        for name in mine.keys() | others.keys()
        if mine.get(name) != others.get(name)
    }


def _flat(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            body = name.endswith("row") and key == "body"
            yield from _flat(inner, "" if body else f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and value and all(isinstance(each, dict) and "id" in each for each in value):
        for each in value:
            yield from _flat(each, f"{name}.{each['id']}")
    else:
        yield name, value


def _as_json(view: View) -> View:
    return dict(orjson.loads(orjson.dumps(view)))
