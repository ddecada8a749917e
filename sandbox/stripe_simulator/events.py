"""`GET /v1/events` and one event, with the delivery filter by which missed webhooks are found again."""

from __future__ import annotations

from collections.abc import Collection
from fnmatch import fnmatchcase
from typing import NamedTuple

from . import listing
from .call import Call
from .errors import invalid, no_such
from .listing import Item, Page
from .parameters import Parameters
from .records import Event

KEPT_S = 30 * 86_400.0  # Source: docs.stripe.com/api/events: 30 days
TYPES_MAX = 20  # Source: docs.stripe.com/api/events/list


class Search(NamedTuple):
    page: Page
    types: Collection[str]  # `charge.*` is a group
    delivered: bool | None


def read_list(p: Parameters) -> Search:
    one, several = p.text("type"), p.texts("types") or []
    if one and several:
        raise invalid("You may only specify one of these parameters: type, types.", "types")
    if len(several) > TYPES_MAX:
        raise invalid(f"You may specify at most {TYPES_MAX} types.", "types")
    types = [one] if one else several
    delivered = p.flag("delivery_success") if "delivery_success" in p.tree else None
    return Search(listing.read_page(p, ()), types, delivered)


def find(call: Call, search: Search) -> tuple[list[Item], bool]:
    """Not delivered: still pending, or given up."""
    oldest = call.change.now - KEPT_S

    def wanted(item: Item) -> bool:
        assert isinstance(item, Event)
        if item.created < oldest:
            return False
        if search.delivered is not None and call.delivered(item.id) != search.delivered:
            return False
        return not search.types or any(fnmatchcase(item.type, type) for type in search.types)

    return listing.turn_page(call.change.books, call.change.account, "evt", search.page, wanted)


def retrieve(call: Call, _: None) -> Event:
    event = call.change.books.events.get(call.object_id)
    known = event is not None and event.account == call.change.account
    if event is None or not known or event.created < call.change.now - KEPT_S:
        raise no_such("event", call.object_id)
    return event
