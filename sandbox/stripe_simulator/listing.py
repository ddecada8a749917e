"""Pages of objects, newest first, with Stripe's cursors and filters.

Source: docs.stripe.com/api/pagination and the list pages of each object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from .books import Books
from .errors import invalid, no_such
from .parameters import Parameters
from .records import Event, Record

LIMIT_DEFAULT = 10
LIMIT_MAX = 100


class Page(NamedTuple):
    limit: int
    starting_after: str | None
    ending_before: str | None
    created: dict[str, int]
    filters: dict[str, str]


Item = Record | Event


def read_page(p: Parameters, filters: tuple[str, ...]) -> Page:
    limit = p.integer("limit")
    if limit is not None and not 1 <= limit <= LIMIT_MAX:
        raise invalid(f"This value must be between 1 and {LIMIT_MAX} (inclusive).", "limit")
    values = {name: p.text(name) for name in filters}
    page = Page(
        limit or LIMIT_DEFAULT,
        p.text("starting_after"),
        p.text("ending_before"),
        _read_created(p),
        {name: value for name, value in values.items() if value is not None},
    )
    if page.starting_after and page.ending_before:
        raise invalid("You cannot parameterize both starting_after and ending_before.", "starting_after")
    return page


def _read_created(p: Parameters) -> dict[str, int]:
    if not isinstance(p.tree.get("created"), dict):
        exact = p.integer("created")
        return {} if exact is None else {"gte": exact, "lte": exact}
    range_ = p.nested("created")
    assert range_ is not None
    bounds = {name: range_.integer(name) for name in ("gt", "gte", "lt", "lte")}
    range_.close()
    return {name: value for name, value in bounds.items() if value is not None}


def turn_page(
    books: Books, account: str, prefix: str, page: Page, wanted: Callable[[Item], bool]
) -> tuple[list[Item], bool]:
    """The page's items, newest first, and whether there are more beyond it."""
    ids = books.ids(account, prefix)
    backwards = page.ending_before is not None
    found: list[Item] = []
    for object_id in _walk(books, ids, page):
        item = books.objects.get(object_id) or books.events.get(object_id)
        if item is None or not _created_fits(item.created, page.created) or not wanted(item):
            continue
        found.append(item)
        if len(found) > page.limit:
            break
    has_more = len(found) > page.limit
    found = found[: page.limit]
    return (found[::-1] if backwards else found), has_more


def _walk(books: Books, ids: list[str], page: Page) -> Iterator[str]:
    if page.ending_before:
        place = _place(books, ids, page.ending_before, "ending_before")
        return (ids[index] for index in range(place + 1, len(ids)))
    place = _place(books, ids, page.starting_after, "starting_after") if page.starting_after else len(ids)
    return (ids[index] for index in range(place - 1, -1, -1))


def _place(books: Books, ids: list[str], object_id: str, param: str) -> int:
    place = books.position(ids, object_id)
    if place is None:
        raise no_such("object", object_id, param)
    return place


def _created_fits(created: int, bounds: dict[str, int]) -> bool:
    return (
        created > bounds.get("gt", -1)
        and created >= bounds.get("gte", 0)
        and created < bounds.get("lt", 1 << 62)
        and created <= bounds.get("lte", 1 << 62)
    )
