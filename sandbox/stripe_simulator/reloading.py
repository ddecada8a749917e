"""Journal lines back into records, sharing what a running simulator shares, so that a restart costs no memory."""

from __future__ import annotations

import sys
from typing import Any

from .books import Books
from .change import FollowUp
from .idempotency import Stored
from .records import JSON, KINDS, Entry, Event, Intent, Record

REPEATED_MAX = 24  # characters: shorter texts are statuses, currencies and the like; longer ones are ids


def _places(*names: str) -> dict[str, list[int]]:
    """Where these fields stand in a journalled record of each kind, behind its letter."""
    return {
        letter: [place for place, name in enumerate(kind._fields, start=1) if name in names]
        for letter, kind in KINDS.items()
    }


REPEATED = _places(
    "account", "currency", "status", "capture_method", "method", "reason", "type", "category", "token"
)
IDS = _places("id", "intent", "charge", "source", "customer", "dispute")


class Reloaded:
    """What one line held."""

    def __init__(self, line: JSON, books: Books, offset: int, length: int) -> None:
        self.ids: dict[str, str] = {}
        self.account = sys.intern(line["a"])
        self.is_connected = "c" in line
        self.at: float = line["t"]
        request_id, key = (self._share(text) for text in line["q"])
        self.records: list[Record] = []
        latest: dict[str, Record] = {}
        for fields in line.get("r", ()):
            record = self._record(fields, latest, books)
            latest[record.id] = record
            self.records.append(record)
        self.events = [
            Event(
                event_id, self.account, seq, int(self.at), line["v"], sys.intern(type), self.records[place],
                request_id, key, previous,
            )
            for event_id, seq, type, place, previous in line.get("e", ())
        ]  # fmt: skip
        self.entries = [Entry(*(self._share(field) for field in fields)) for fields in line.get("l", ())]
        self.follow_ups = [FollowUp(*fields) for fields in line.get("f", ())]
        self.done = FollowUp(*line["x"]) if "x" in line else None
        self.stored: tuple[tuple[str, str], Stored] | None = None
        if "k" in line:
            name, endpoint, fingerprint, status, should_retry = line["k"]
            stored = Stored(
                sys.intern(endpoint), fingerprint, status, should_retry, request_id, self.at, offset, length
            )
            self.stored = ((self.account, self._share(name)), stored)

    def _record(self, fields: list[Any], latest: dict[str, Record], books: Books) -> Record:
        for place in REPEATED[fields[0]]:
            if fields[place] is not None:
                fields[place] = sys.intern(fields[place])
        for place in IDS[fields[0]]:
            if place < len(fields) and fields[place] is not None:
                fields[place] = self.ids.setdefault(fields[place], fields[place])
        record: Record = KINDS[fields[0]](*fields[1:])
        before = latest.get(record.id) or books.get(record.id)
        if isinstance(record, Intent) and isinstance(before, Intent):
            record = record._replace(
                method_types=before.method_types,
                metadata=before.metadata if before.metadata == record.metadata else record.metadata,
                details=before.details if before.details == record.details else record.details,
            )
        return record

    def _share(self, field: Any) -> Any:
        if type(field) is not str:
            return field
        return sys.intern(field) if len(field) < REPEATED_MAX else self.ids.setdefault(field, field)
