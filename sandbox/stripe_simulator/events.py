"""`GET /v1/events` and one event, with the delivery filter by which missed webhooks are found again."""

from __future__ import annotations

from typing import NamedTuple

from . import listing
from .call import Call
from .errors import no_such
from .listing import Item, Page
from .parameters import Parameters
from .records import Event


class Search(NamedTuple):
    page: Page
    types: frozenset[str]
    delivered: bool | None


def read_list(p: Parameters) -> Search:
    types = frozenset(filter(None, [p.text("type"), *(p.texts("types") or [])]))
    delivered = p.flag("delivery_success") if "delivery_success" in p.tree else None
    return Search(listing.read_page(p, ()), types, delivered)


def find(call: Call, search: Search) -> tuple[list[Item], bool]:
    """Not delivered: still pending, or given up."""

    def wanted(item: Item) -> bool:
        assert isinstance(item, Event)
        if search.delivered is not None and call.delivered(item.id) != search.delivered:
            return False
        return not search.types or item.type in search.types

    return listing.turn_page(call.change.books, call.change.account, "evt", search.page, wanted)


def retrieve(call: Call, _: None) -> Event:
    event = call.change.books.events.get(call.object_id)
    if event is None or event.account != call.change.account:
        raise no_such("event", call.object_id)
    return event
