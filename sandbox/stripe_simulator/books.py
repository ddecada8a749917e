"""What the simulator knows now: objects, events, the ledger, and the indexes to find them. Rebuilt from the journal.

`apply` is the only way in, for a live change and for a reloaded one alike. No rule of Stripe's is decided here.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence

from .records import Entry, Event, Intent, Record

EVENTS_KEPT = 100_000  # in memory; older ones stay in the journal but are no longer listed


class Books:
    def __init__(self, events_kept: int = EVENTS_KEPT) -> None:
        self.events_kept = events_kept
        self.seq = 0
        self.objects: dict[str, Record] = {}
        self.events: dict[str, Event] = {}
        self.event_order: deque[str] = deque()
        self.methods: dict[str, str] = {}  # payment method id -> the intent that it was used for
        self.lists: dict[tuple[str, str], list[str]] = {}  # (account, prefix) -> ids, oldest first
        self.connected: set[str] = set()  # accounts that another one's key acted for
        self.ledger: list[Entry] = []
        self.ledger_of_payment: dict[str, list[int]] = {}

    def next_seq(self) -> int:
        self.seq += 1
        return self.seq

    def get(self, object_id: str) -> Record | None:
        return self.objects.get(object_id)

    def apply(self, records: Sequence[Record], events: Sequence[Event], entries: Sequence[Entry]) -> None:
        for record in records:
            if record.id not in self.objects:
                self._list(record.account, record.id)
            self.objects[record.id] = record
            self.seq = max(self.seq, record.seq)
            if isinstance(record, Intent) and record.method_id and record.method:
                self.methods[record.method_id] = record.id
        for event in events:
            self._add_event(event)
        for entry in entries:
            if entry.payment:
                self.ledger_of_payment.setdefault(entry.payment, []).append(len(self.ledger))
            self.ledger.append(entry)

    def ids(self, account: str, prefix: str) -> list[str]:
        return self.lists.get((account, prefix), [])

    def position(self, ids: list[str], object_id: str) -> int | None:
        """Where an id stands in its list."""
        wanted = self._seq_of(object_id)
        if wanted is None:
            return None
        index = bisect_left(ids, wanted, key=lambda item: self._seq_of(item) or 0)
        return index if index < len(ids) and ids[index] == object_id else None

    def _seq_of(self, object_id: str) -> int | None:
        found = self.objects.get(object_id) or self.events.get(object_id)
        return found.seq if found else None

    def _list(self, account: str, object_id: str) -> None:
        self.lists.setdefault((account, object_id.partition("_")[0]), []).append(object_id)

    def _add_event(self, event: Event) -> None:
        self.seq = max(self.seq, event.seq)
        self.events[event.id] = event
        self.event_order.append(event.id)
        self._list(event.account, event.id)
        if len(self.event_order) > self.events_kept:
            self._forget_events()

    def _forget_events(self) -> None:
        """A tenth at once, so that the lists are cut rarely."""
        for _ in range(max(self.events_kept // 10, 1)):
            del self.events[self.event_order.popleft()]
        for key, ids in self.lists.items():
            if key[1] == "evt":
                self.lists[key] = [event_id for event_id in ids if event_id in self.events]
