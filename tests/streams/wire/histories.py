"""Histories as some version wrote them: the events of whole payments, and the row that they had led to.

    python -m tests.streams.wire.histories NAME         keeps what this version writes in written/NAME.jsonl

Files stay as they are once others have run that version: what it wrote must be readable for ever.
"""

import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from streams.topics import EVENTS
from tests.streams.wire.records import Received

FOLDER = Path(__file__).with_name("written")
SEEDS = 600


class History(NamedTuple):
    events: list[Received]
    row: bytes


def kept() -> Iterator[tuple[str, History]]:
    """By file and line."""
    for file in sorted(FOLDER.glob("*.jsonl")):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            found = json.loads(line)
            events = [_event(found["payment"], offset, each) for offset, each in enumerate(found["events"])]
            yield f"{file.stem}/{number}", History(events, found["row"].encode())


def _event(payment: str, offset: int, told: dict[str, Any]) -> Received:
    headers = [(name, value.encode()) for name, value in told["headers"]]
    return Received(
        EVENTS, 0, offset, told["timestamp_ms"], payment.encode(), told["value"].encode(), headers
    )


def _write(name: str) -> None:
    from tests.simulation.run import stage, told

    by_kind: dict[tuple[str, ...], dict[str, Any]] = {}
    with stage():
        for seed in range(SEEDS):
            told(seed, lambda room: by_kind.update(_of(room)))
    chosen, seen = list[dict[str, Any]](), set[str]()
    for kinds, history in sorted(by_kind.items(), key=lambda item: (len(item[0]), item[0])):
        if not set(kinds) <= seen:  # the shortest in which something happens for the first time
            chosen.append(history)
            seen |= set(kinds)
    FOLDER.mkdir(exist_ok=True)
    lines = [json.dumps(history, separators=(",", ":")) for history in chosen]
    (FOLDER / f"{name}.jsonl").write_text("\n".join(lines) + "\n")


def _of(room: Any) -> dict[tuple[str, ...], dict[str, Any]]:
    """By the kinds of events that they consist of, in order."""
    events, rows = defaultdict[bytes, list[Any]](list), dict[bytes, bytes]()
    for tp in list(room.broker.logs):
        records, _ = room.broker.read(tp, 0, sys.maxsize)
        for record in records:
            if tp.topic == EVENTS:
                events[record.key].append(record)
            elif tp.topic == room.changelog:
                rows[record.key] = record.value
    found = {}
    for payment, story in events.items():
        kinds = tuple(dict(record.headers)["ce_type"].decode() for record in story)
        told = [
            {
                "timestamp_ms": record.timestamp_ms,
                "headers": [(name, value.decode()) for name, value in record.headers],
                "value": record.value.decode(),
            }
            for record in story
        ]
        found[kinds] = {"payment": payment.decode(), "events": told, "row": rows[payment].decode()}
    return found


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(sys.executable, sys.orig_argv, os.environ | {"PYTHONHASHSEED": "0"})
    import logging

    logging.disable(logging.CRITICAL)
    _write(sys.argv[1])
