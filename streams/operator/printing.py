"""Tables for a terminal, JSON for scripts; what is printed is decided elsewhere."""

import sys
from collections.abc import Sequence
from typing import Any

import orjson


def show(rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    """Rows with the same members, in the order of the first one's."""
    if as_json:
        sys.stdout.write(orjson.dumps(list(rows), option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    if not rows:
        print("nothing")
        return
    table = [[name.upper() for name in rows[0]], *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    return "" if value is None else str(value)
