"""What breaks somebody when a published schema changes: whoever reads events, or whoever sends commands.

What an event may be must not grow, as no reader knows of it; what a command may be must not shrink. New members aside, which
every reader ignores.

    python -m tests.streams.wire.compatibility          takes what is new into `published.json`, unless something breaks
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from models import shapes

Json = dict[str, Any]

ASYNCAPI = Path(__file__).parents[3] / "web" / "documents" / "asyncapi.json"
PUBLISHED = Path(__file__).parent / "published.json"
"""The messages and their schemas as they were published, without what is only said."""

GROWING = {"Code", "DisputeStatus"}
"""Words may be added to these, as docs/consume.md says: refusals get new reasons, and disputes have Stripe's words."""

_SAID_ONLY = {"description", "title", "examples", "default", "summary"}
_LOWER, _UPPER = ("minimum", "minLength", "minItems"), ("maximum", "maxLength", "maxItems", "maxProperties")
_EXACT = ("pattern", "format")
_WITHIN = ("items", "additionalProperties", "propertyNames")
_COMPARED = {
    *("type", "enum", "const", "anyOf", "required", "properties", "$ref"),
    *(*_LOWER, *_UPPER, *_EXACT, *_WITHIN, *_SAID_ONLY),
}
_SHARED = "#/components/schemas/"


def components() -> Json:
    found: Json = json.loads(ASYNCAPI.read_text())["components"]
    return found


def breaks(was: Json, now: Json) -> list[str]:
    """Of two sets of components: each break by where it is."""
    found = []
    for name, before in was["messages"].items():
        if (after := now["messages"].get(name)) is None:
            found.append(f"{name} is gone")
            continue
        comparison = _Comparison(was["schemas"], now["schemas"], told=name not in shapes.TYPES)
        for part in ("headers", "payload"):
            found += comparison.of(before[part], after[part], f"{name} {part}")
        if before.get("bindings") != after.get("bindings"):
            found.append(f"{name} has another key")
    return found


class _Comparison:
    """`told`: by Millrace, to readers; else taken by it, from senders."""

    def __init__(self, was: Json, now: Json, told: bool) -> None:
        self._was, self._now, self._told = was, now, told
        self._under_way: set[tuple[str, str]] = set()

    def of(self, was: Any, now: Any, at: str) -> Iterator[str]:
        if isinstance(was, bool) or isinstance(now, bool):
            was, now = ({} if each is True else each for each in (was, now))
        if was is False or now is False:
            if was != now:
                yield f"{at}: {was} became {now}"
            return
        if "$ref" in was or "$ref" in now:
            yield from self._referred(was, now, at)
            return
        if strange := {*was, *now} - _COMPARED:
            yield f"{at}: nobody knows what a change of {', '.join(sorted(strange))} breaks"
        yield from self._kinds(was, now, at)
        yield from self._words(was, now, at)
        yield from self._members(was, now, at)
        yield from self._bounds(was, now, at)
        for name in _WITHIN:
            if name in was or name in now:
                yield from self.of(was.get(name, True), now.get(name, True), f"{at}/{name}")

    def _referred(self, was: Json, now: Json, at: str) -> Iterator[str]:
        pair = (was.get("$ref", json.dumps(was)), now.get("$ref", json.dumps(now)))
        if pair not in self._under_way:  # a schema may hold itself
            self._under_way.add(pair)
            yield from self.of(_resolved(was, self._was), _resolved(now, self._now), at)
            self._under_way.discard(pair)

    def _kinds(self, was: Json, now: Json, at: str) -> Iterator[str]:
        before, after = _kinds(was, self._was), _kinds(now, self._now)
        gone, new = before.keys() - after.keys(), after.keys() - before.keys()
        # A reader may have waited for what does not come any more, but nobody waits for nothing.
        wrong = new | gone - {"null"} if self._told else gone
        if wrong:
            yield f"{at}: {', '.join(sorted(wrong))} is another kind of value"
        if "anyOf" in was or "anyOf" in now:
            for kind in sorted(before.keys() & after.keys()):
                yield from self.of(before[kind], after[kind], at)

    def _words(self, was: Json, now: Json, at: str) -> Iterator[str]:
        before, after = _words(was), _words(now)
        if before is None or after is None:
            if before is not after and (after is None) == self._told:
                yield f"{at}: other words may be there" if self._told else f"{at}: few words may be there"
            return
        if gone := before - after:
            yield f"{at}: {', '.join(sorted(gone))} is no word any more"
        if (new := after - before) and self._told and now.get("title") not in GROWING:
            yield f"{at}: {', '.join(sorted(new))} is a new word"

    def _members(self, was: Json, now: Json, at: str) -> Iterator[str]:
        before, after = was.get("properties", {}), now.get("properties", {})
        for name in before:
            if name not in after:
                yield f"{at}/{name} is gone"
            else:
                yield from self.of(before[name], after[name], f"{at}/{name}")
        had, has = set(was.get("required", ())), set(now.get("required", ()))
        if self._told:
            yield from (f"{at}/{name} need not be there any more" for name in sorted(had - has))
        else:
            yield from (f"{at}/{name} must now be there" for name in sorted(has - had))

    def _bounds(self, was: Json, now: Json, at: str) -> Iterator[str]:
        for names, unbounded in ((_LOWER, float("-inf")), (_UPPER, float("inf"))):
            for name in names:
                before, after = was.get(name, unbounded), now.get(name, unbounded)
                is_wider = after < before if names is _LOWER else after > before
                if before != after and is_wider == self._told:
                    yield f"{at}: {name} {before} became {after}"
        for name in _EXACT:
            before, after = was.get(name), now.get(name)
            if before != after and (before if self._told else after) is not None:
                yield f"{at}: {name} {before} became {after}"


def _resolved(schema: Json, shared: Json) -> Json:
    if "$ref" not in schema:
        return schema
    found: Json = shared[schema["$ref"].removeprefix(_SHARED)]
    return found


def _kinds(schema: Json, shared: Json) -> dict[str, Json]:
    """The kinds of value it may be; several kinds of object are told apart by their titles."""
    if "anyOf" not in schema:
        kinds = schema.get("type", "any")
        return {kind: schema | {"type": kind} for kind in (kinds if isinstance(kinds, list) else [kinds])}
    found: dict[str, Json] = {}
    parts = [part for each in schema["anyOf"] for part in _kinds(_resolved(each, shared), shared).items()]
    several = sum(kind == "object" for kind, _ in parts) > 1
    for kind, part in parts:
        found[part["title"] if several and kind == "object" else kind] = part
    return found


def _words(schema: Json) -> set[str] | None:
    words = [schema["const"]] if "const" in schema else schema.get("enum")
    return None if words is None else {json.dumps(word) for word in words}


def bare(part: Any, of_members: bool = False) -> Any:
    """Without what is only said, but for the titles that tell one kind from another. A member's name is no keyword."""
    if isinstance(part, list):
        return [bare(each) for each in part]
    if not isinstance(part, dict):
        return part
    dropped = set() if of_members else _SAID_ONLY - {"title"}
    return {
        name: bare(value, of_members=name in ("properties", "messages", "schemas") and not of_members)
        for name, value in part.items()
        if name not in dropped
    }


def main() -> int:
    now = components()
    if found := breaks(json.loads(PUBLISHED.read_text()), now):
        print("\n".join(found), file=sys.stderr)
        return 1
    PUBLISHED.write_text(written(now))
    return 0


def written(components: Json) -> str:
    return json.dumps(bare(components), indent=0, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.exit(main())
