"""The simulator's parts put together: reload, commit, and what falls due. No HTTP here."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import orjson

from . import agenda as agenda_
from .agenda import Agenda
from .books import EVENTS_KEPT, Books
from .call import Timing
from .change import BY_ITSELF, Change, FollowUp
from .clock import Clock
from .faults import Facts, Faults
from .idempotency import Keys, Stored
from .identity import new_id
from .journal import Journal
from .limits import Limits
from .records import JSON, Charge, Event, Intent, Record, Refund
from .reloading import Reloaded
from .render import Renderer
from .webhooks import Settings, Webhooks, facts_of

TIMER_MAX_S = 3_600.0  # the machine's clock may be moved while we wait
Result = TypeVar("Result")


class Simulator:
    def __init__(
        self,
        data_file: Path | None = None,
        url: str = "http://127.0.0.1",
        events_kept: int = EVENTS_KEPT,
    ) -> None:
        self.clock = Clock()
        self.timing = Timing()
        self.books = Books(events_kept)
        self.keys = Keys()
        self.agenda = Agenda()
        self.faults = Faults()
        self.limits = Limits()
        self.requests: dict[str, Counter[str]] = {}
        self.renderer = Renderer(self.books, url)
        self.webhooks = Webhooks(
            self.clock, self.faults, self.books.events.get, self._event_body, self._settled
        )
        self.timer: asyncio.TimerHandle | None = None
        self.journal = Journal(data_file)
        self._reload()

    # -- committing ------------------------------------------------------------------------------------------------

    def commit(self, change: Change, stored: tuple[tuple[str, str], Stored, bytes] | None = None) -> None:
        """Journals the change with the answer to keep, then makes it visible. After this the answer may leave."""
        if self.faults.rules:
            self._add_twins(change)
        line = change.as_line()
        if change.events and self.webhooks.settings.url:
            line["w"] = 1
        body = None
        if stored:
            (_, key), answer, body = stored
            line["k"] = (key, answer.endpoint, answer.fingerprint, answer.status, answer.should_retry)
        offset = self.journal.append(line, body)
        if stored:
            name, answer, kept = stored
            self.keys.store(name, answer._replace(offset=offset, length=len(kept)))
        self.books.apply(change.records, change.events, change.entries)
        for follow_up in change.follow_ups:
            self.agenda.add(follow_up)
        if change.follow_ups:
            self._set_timer()
        if change.events and self.webhooks.settings.url:
            for event in change.events:
                self.webhooks.enqueue(event)
            self.webhooks.pump()

    def _add_twins(self, change: Change) -> None:
        """Stripe sometimes makes two Event objects for one change."""
        for event in list(change.events):
            twin = Facts(event.type, event.account, facts_of(event).payment, event.key)
            if any(rule.kind == "webhook_twin" for rule in self.faults.take("event", twin)):
                change.events.append(event._replace(id=new_id("event"), seq=self.books.next_seq()))

    # -- what happens by itself ------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Does what is due."""
        while follow_up := self.agenda.due(self.clock.now()):
            self._carry_out(follow_up)
        self._set_timer()

    def _set_timer(self) -> None:
        if self.timer:
            self.timer.cancel()
            self.timer = None
        due_at = self.agenda.next_at()
        if due_at is not None:
            wait_s = min(max(due_at - self.clock.now(), 0.001), TIMER_MAX_S)
            self.timer = asyncio.get_running_loop().call_later(wait_s, self.wake)

    def act(self, subject: Record, do: Callable[[Change], Result]) -> Result:
        """What a control does to one object, journalled like everything else. Refused: nothing was done."""
        change = Change(self.books, subject.account, subject.livemode, self.clock.now(), BY_ITSELF)
        result = do(change)
        self.commit(change)
        return result

    def _carry_out(self, follow_up: FollowUp) -> None:
        subject = self.books.get(follow_up.object_id)
        assert subject is not None, follow_up
        change = Change(self.books, subject.account, subject.livemode, self.clock.now(), BY_ITSELF)
        change.done = follow_up
        agenda_.carry_out(change, self.timing, follow_up)
        self.commit(change)

    def move_clock(self) -> None:
        """After the clock was moved: remember it, prune keys, do what has fallen due."""
        self.journal.append({"c": self.clock.offset_s})
        self.keys.prune(self.clock.now())
        self.wake()
        self.webhooks.pump()

    def set_webhook(self, settings: Settings) -> None:
        self.webhooks.settings = settings
        self.journal.append({"s": asdict(settings)})

    # -- reloading -------------------------------------------------------------------------------------------------

    def _reload(self) -> None:
        undelivered: dict[str, Event] = {}
        for line, offset, length in self.journal.reload():
            if "t" in line:
                self._reload_change(line, offset, length, undelivered)
            elif "c" in line:
                self.clock.offset_s = line["c"]
            elif "s" in line:
                self.webhooks.settings = Settings(**line["s"])
            else:
                event = undelivered.pop(line["d"], None)
                if event and not line["ok"]:
                    self.webhooks.failed.add(event.id)
        self.agenda.forget_done()
        self.keys.prune(self.clock.now())
        for event in undelivered.values():
            self.webhooks.resume(event)

    def _reload_change(self, line: JSON, offset: int, length: int, undelivered: dict[str, Event]) -> None:
        found = Reloaded(line, self.books, offset, length)
        if found.is_connected:
            self.books.connected.add(found.account)
        self.books.apply(found.records, found.events, found.entries)
        for follow_up in found.follow_ups:
            self.agenda.add(follow_up)
        if found.done:
            self.agenda.done.add(found.done)
        if "w" in line:
            undelivered.update((e.id, e) for e in found.events if self.webhooks.settings.wants(e.type))
        if found.stored:
            self.keys.store(*found.stored)

    # -- small things ----------------------------------------------------------------------------------------------

    def _event_body(self, event: Event) -> bytes:
        return orjson.dumps(self.renderer.event(event, 1))

    def _settled(self, event_id: str, ok: bool) -> None:
        self.journal.append({"d": event_id, "ok": ok})

    def payment_of(self, parameters: dict[str, Any], object_id: str) -> str | None:
        """The payment a request is about: by its own metadata, else by the intent it names."""
        metadata = parameters.get("metadata")
        if isinstance(metadata, dict) and metadata.get("payment_id"):
            return str(metadata["payment_id"])
        named = object_id or parameters.get("payment_intent") or parameters.get("charge")
        found = self.books.get(named) if isinstance(named, str) else None
        if isinstance(found, Charge | Refund):
            found = self.books.get(found.intent)
        return found.metadata.get("payment_id") if isinstance(found, Intent) else None

    async def close(self) -> None:
        if self.timer:
            self.timer.cancel()
        await self.webhooks.close()
        self.journal.close()
