"""Relay's connections over the pages of the operations: arguments become a query, a page becomes edges. Nothing is read here.

A cursor is what REST calls `starting_after`: opaque to clients. Source: GraphQL Cursor Connections Specification.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import strawberry

from models.commands import FieldError
from models.ports import Page, View
from web.problems import invalid
from web.reading import LIMIT_DEFAULT, LIMIT_MAX, Query

Node = TypeVar("Node")


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type(description="One object of a page.")
class Edge(Generic[Node]):
    node: Node
    cursor: str


@strawberry.type(description="A page of a list.")
class Connection(Generic[Node]):
    edges: list[Edge[Node]]
    page_info: PageInfo


@dataclass(frozen=True, slots=True)
class Asked:
    """`first`, from `after` on; or the `last` before `before`."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None

    def query(self, after: str = "starting_after") -> Query:
        """As the query string of REST would have it; `after`: what a cursor is called there. Raises Problem."""
        if wrong := self._wrong():
            raise invalid(wrong)
        size = self.first if self.before is None else self.last
        cursors = ((after, self.after), ("ending_before", self.before))
        given = [(name, cursor) for name, cursor in cursors if cursor is not None]
        return [("limit", str(LIMIT_DEFAULT if size is None else size)), *given]

    def _wrong(self) -> list[FieldError]:
        sizes = (("first", self.first), ("last", self.last))
        found = [
            FieldError(name, f"must be an integer of 1 to {LIMIT_MAX}")
            for name, size in sizes
            if size is not None and not 1 <= size <= LIMIT_MAX
        ]
        if self.before is None and self.last is not None:
            found.append(FieldError("last", "needs before"))
        if self.before is not None and (self.first is not None or self.after is not None):
            found.append(FieldError("before", "goes with last, and not beside first or after"))
        return found

    def connection(self, page: Page, cursor: Callable[[View], Any]) -> Any:
        edges = [{"node": view, "cursor": str(cursor(view))} for view in page.data]
        backwards = self.before is not None
        return {
            "edges": edges,
            "page_info": {
                "has_next_page": backwards or page.has_more,
                "has_previous_page": page.has_more if backwards else self.after is not None,
                "start_cursor": edges[0]["cursor"] if edges else None,
                "end_cursor": edges[-1]["cursor"] if edges else None,
            },
        }
