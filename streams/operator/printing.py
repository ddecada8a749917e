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
        write_json(list(rows))
        return
    if not rows:
        print("none")
        return
    table = [[name.upper() for name in rows[0]], *([cell(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def write_json(document: Any) -> None:
    sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2, default=str).decode() + "\n")


def cell(value: Any) -> str:
    """As a person writes it; times in RFC 3339, to the second."""
    if value in NOTHING:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return harmless(str(value))


def harmless(text: str, but: str = "") -> str:
    """`text` as a terminal may show it: what would move its cursor, hide or reorder something there is written in escapes. Much
    of what is shown was chosen by others. `but`: characters that are left as they are.
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in but else each.encode("unicode_escape").decode() for each in text
    )
