"""`millrace dead-letters list` and `show`: the newest of them, which of them are open, and one of them whole."""

import asyncio
from typing import Any

from streams.operator.dead_letters.audit import Settled, settlements
from streams.operator.dead_letters.letters import Letter, find, letter, readable
from streams.operator.printing import cell, harmless, show
from streams.operator.reading import records
from streams.settings import Settings, load
from streams.topics import DEAD_LETTERS

KEY_SHOWN_CHARS = 60
LAID_OUT = "\n\t"  # of a value, which is shown last: what it pretends to be can only stand below


def list_newest(most: int, with_settled: bool, as_json: bool) -> None:
    """Raises Unavailable, SettingsRefused; so do all of these."""
    show(asyncio.run(newest(load(), most, with_settled)), as_json)


def show_one(name: str, as_json: bool) -> None:
    """Raises Refused where there is none."""
    whole = asyncio.run(one(load(), name))
    if as_json:
        show([whole], as_json)
        return
    for member, value in whole.items():
        if member == "headers":
            print("headers")
            for header in value:
                print(f"  {cell(header['name'])}: {cell(header['value'])}")
        elif member != "value":
            print(f"{member:9} {cell(value)}")
    print(f"\n{harmless(whole['value'] or '(no value)', but=LAID_OUT)}")


async def newest(settings: Settings, most: int, with_settled: bool = False) -> list[dict[str, Any]]:
    """A row of each. Raises Unavailable."""
    settled = await settlements(settings)
    found: list[dict[str, Any]] = []
    async for record in records(settings, DEAD_LETTERS, may_be_missing=True):
        lying = letter(record)
        fate = settled.get((lying.name, lying.source))
        if with_settled or fate is None:
            found.append(_row(lying, fate, with_settled))
        if len(found) >= 2 * most:  # rows alone, and not too many: letters weigh up to two megabytes
            found = _newest_of(found, most)
    return _newest_of(found, most)


def _newest_of(rows: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: row["at"], reverse=True)[:most]


async def one(settings: Settings, name: str) -> dict[str, Any]:
    """All of it, and what became of it. Raises Refused where there is none, and Unavailable."""
    found = await find(settings, name)
    settled = (await settlements(settings)).get((found.name, found.source))
    return {**_whole(found), "settled": _fate(settled)}


def _row(lying: Letter, settled: Settled | None, with_fate: bool) -> dict[str, Any]:
    row = {
        "letter": lying.name,
        "at": lying.at,
        "key": (readable(lying.key) or "")[:KEY_SHOWN_CHARS],
        "source": lying.why.get("source"),
        "code": lying.why.get("code"),
        "type": readable((lying.attribute("ce_type") or "").encode()),
        "bytes": len(lying.value or b""),
        "reason": readable(lying.why.get("reason", "").encode()),
    }
    return {**row, "settled": _fate(settled)} if with_fate else row


def _whole(lying: Letter) -> dict[str, Any]:
    return {
        "letter": lying.name,
        "at": lying.at,
        "source": lying.why.get("source"),
        "code": lying.why.get("code"),
        "reason": readable(lying.why.get("reason", "").encode()),
        "key": readable(lying.key),
        "headers": [
            {"name": readable(name.encode()), "value": readable(value)} for name, value in lying.headers
        ],
        "bytes": len(lying.value or b""),
        "value": readable(lying.value),
    }


def _fate(settled: Settled | None) -> str | None:
    if settled is None:
        return None
    return f"{settled.fate} by {settled.operator}, {cell(settled.at)}: {settled.reason}"
