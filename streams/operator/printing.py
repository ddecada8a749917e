"""Tables for a terminal, JSON for scripts; what is printed is decided elsewhere."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

NOTHING = (None, "", ())


def show(rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    """Rows with the same members, in the order of the first one's."""
    if as_json:
        sys.stdout.write(orjson.dumps(list(rows), option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    if not rows:
        print("none")
        return
    table = [[name.upper() for name in rows[0]], *([cell(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def cell(value: Any) -> str:
    """As a person writes it; times in RFC 3339, to the second."""
    if value in NOTHING:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value)
