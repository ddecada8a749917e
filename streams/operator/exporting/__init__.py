"""`millrace export`: the events as they are in the log, each payment's in order, as JSON lines or Parquet.

From the beginning, or a time, to where the log ended when it began. A file gets its name when it is whole.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from streams.adapters.kafka_log import ms_before
from streams.delivery import Poison
from streams.operator.exporting.files import Row, writing
from streams.operator.printing import show
from streams.operator.reading import records
from streams.operator.secrets import without_secrets
from streams.settings import Settings, load
from streams.topics import EVENTS
from streams.wire import events

CLOCKS_DIFFER_S = 3_600
"""An event has the broker's time of its command; it is looked for by the writer's time of its record, which comes later."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """`since` and `until`: of the event's own time, the second not included. None: no bound."""

    since: datetime | None = None
    until: datetime | None = None
    merchant: str | None = None

    def holds(self, row: Row) -> bool:
        return (
            (self.since is None or row.at >= self.since)
            and (self.until is None or row.at < self.until)
            and self.merchant in (None, row.merchant)
        )


@dataclass
class Count:
    """`skipped`: records that are no events of this version."""

    file: str
    events: int = 0
    skipped: int = 0


def export(to: str, format: str, wanted: Wanted, as_json: bool) -> None:
    """`to`: a file, or `-`. Raises Refused, Unavailable, SettingsRefused; then no file is there."""
    count = asyncio.run(_export(load(), to, format, wanted))
    if to == "-":
        print(f"exported {count.events} events", file=sys.stderr)
    else:
        show([asdict(count)], as_json)
    if count.skipped:
        print(f"{count.skipped} records are no events of this version: left out", file=sys.stderr)


async def _export(settings: Settings, to: str, format: str, wanted: Wanted) -> Count:
    count = Count(to)
    with writing(to, format) as write:
        async with aclosing(_rows(settings, wanted, count)) as rows:
            async for row in rows:
                write(row)
                count.events += 1
    return count


async def _rows(settings: Settings, wanted: Wanted, count: Count) -> AsyncGenerator[Row, None]:
    since_ms = None if wanted.since is None else ms_before(wanted.since, CLOCKS_DIFFER_S)
    async with aclosing(records(settings, EVENTS, since_ms=since_ms)) as found:
        async for record in found:
            try:
                row = _row(record)
            except Poison:
                count.skipped += 1
                continue
            if wanted.holds(row):
                yield row


def _row(record: Any) -> Row:
    story = events.read(record)
    return Row(
        story.id,
        story.type,
        story.payment_id,
        str(story.content.get("merchant")),
        story.sequence,
        story.at,
        story.causation_id,
        without_secrets(story.content),
    )
