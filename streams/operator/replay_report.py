"""What `millrace replay` says at its end, to a person or a script. What it does is `replay.py`'s."""

import asyncio
from dataclasses import asdict
from typing import Any

from streams.adapters.postgres.differing import OTHERWISE, Noted, Sample
from streams.adapters.postgres.kept import readable
from streams.logs import blotted
from streams.operator.printing import show, write_json
from streams.operator.replay import Replayed, replay
from streams.operator.withholding import shown, told
from streams.reconciling.comparing import EVENTS, POSTGRES, Difference, differing
from streams.settings import load

RIGHT, WRONG = 0, 1
"""Exit codes."""
SHOWN_MAX = 200


def run(dry_run: bool, as_json: bool) -> int:
    """The exit code. Raises Refused, Unavailable, SettingsRefused."""
    done = asyncio.run(replay(load(), dry_run))
    if as_json:
        write_json(_document(done))
    else:
        _tell(done, dry_run)
    return RIGHT if dry_run or done.is_right else WRONG


def _document(done: Replayed) -> dict[str, Any]:
    noted, verified = done.differences, done.verified
    return {
        "events": done.events,
        "unreadable": done.unreadable,
        "unkeepable": done.unkeepable,
        "took_s": round(done.took_s, 3),
        "rows_that_differed": noted.rows if noted else None,
        "differences": [each._asdict() for each in noted.counts] if noted else [],
        "samples": [row for each in noted.samples for row in _fields(each)] if noted else [],
        "writers_waited_ms": round(done.writers_waited_ms, 1),
        "readers_waited_ms": round(done.switched.readers_ms, 1) if done.switched else None,
        "switched": done.switched is not None,
        "left": [asdict(told(each)) for each in verified.differences] if verified else None,
        "cache": asdict(done.cache) if done.cache else None,
    }


def _tell(done: Replayed, dry_run: bool) -> None:
    rate = done.events / max(done.took_s, 1e-3)
    print(f"{done.events:,} events replayed into fresh tables in {done.took_s:.1f} s, {rate:,.0f}/s")
    for count, what in ((done.unreadable, "are no events"), (done.unkeepable, "PostgreSQL cannot keep")):
        if count:
            print(f"{count:,} records of the log {what}: passed over, as the projection does")
    if done.differences is not None:
        _tell_differences(done.differences)
    if done.switched is None:
        print(f"\nnothing was switched; writers waited {done.writers_waited_ms:.0f} ms" if dry_run else "")
        return
    print(
        f"\nswitched: the projection waited {done.writers_waited_ms:.0f} ms, readers at most {done.switched.readers_ms:.1f} ms"
    )
    if done.cache is not None:
        cache = done.cache
        print(
            f"cache: {cache.entries:,} entries, {cache.renewed:,} renewed, {cache.dropped:,} dropped, {cache.left:,} still wrong"
        )
    if done.verified is not None:
        left = done.verified.differences
        print(f"verified: {done.verified.payments:,} payments against the log, {len(left)} differences")
        show([_left(each) for each in left[:SHOWN_MAX]], as_json=False) if left else None


def _left(difference: Difference) -> dict[str, Any]:
    values = told(difference).values
    said = {truth: _said("", values[truth]) if truth in values else "=" for truth in (EVENTS, POSTGRES)}
    return {"payment": difference.payment, "field": difference.field, **said}


def _tell_differences(noted: Noted) -> None:
    print(f"\nthe live tables differed from the log in {noted.rows:,} rows")
    if not noted.rows:
        return
    show([each._asdict() for each in noted.counts], as_json=False)
    print(f"\nthe first {len(noted.samples)} of them")
    show([row for sample in noted.samples for row in _fields(sample)][:SHOWN_MAX], as_json=False)


def _fields(sample: Sample) -> list[dict[str, Any]]:
    """A line for each field that differs; bodies by their members."""
    about = {"table": sample.table, "payment": sample.payment, "key": sample.key}
    if sample.found != OTHERWISE:
        return [{**about, "field": sample.found, "was": "", "is": ""}]
    rows = []
    for column, (was, should) in sample.values.items():
        if column != "body":
            rows.append((column, was, should))
            continue
        members = differing(readable(was or "{}"), readable(should or "{}"), "body")
        rows += [(name, *pair) for name, pair in sorted(members.items())] or [("body", "as text", "as text")]
    return [
        {**about, "field": name, "was": _said(name, was), "is": _said(name, should)}
        for name, was, should in rows
    ]


def _said(field: str, value: object) -> str:
    return "nothing" if value is None else blotted(str(shown(field, value)))
