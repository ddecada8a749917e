"""Tables as CSV (RFC 4180), for spreadsheets, which must take no text for a formula. Source: OWASP, CSV Injection."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

CONTENT_TYPE = "text/csv"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def is_wanted(accept: str) -> bool:
    """Whether CSV stands before JSON in an `Accept`."""
    names = [each.partition(";")[0].strip().lower() for each in accept.split(",")]
    return next((name for name in names if name in (CONTENT_TYPE, "application/json")), "") == CONTENT_TYPE


def table(rows: Sequence[Mapping[str, Any]], like: Mapping[str, Any]) -> str:
    """`like`: a row, for the names. A member's own members become columns; null is an empty cell."""
    flat = [dict(_flat(row.items())) for row in rows]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(name for name, _ in _flat(like.items()))
    writer.writerows([_cell(value) for value in row.values()] for row in flat)
    return text.getvalue()


def _flat(members: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, Any]]:
    for name, value in members:
        if isinstance(value, Mapping):
            yield from _flat((f"{name}.{inner}", each) for inner, each in value.items())
        elif name != "object":
            yield name, value


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
