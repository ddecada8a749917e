"""One request's effects, collected while an endpoint executes: nothing is visible before they are journalled together.

Endpoints read through a change, so that they see what they have just written. No HTTP here.
"""

from __future__ import annotations

from typing import NamedTuple

from .books import Books
from .errors import StripeError, no_such
from .identity import new_id
from .records import (
    JSON,
    LETTERS,
    Charge,
    Customer,
    Dispute,
    Entry,
    Event,
    Intent,
    Payable,
    Record,
    Refund,
)


class Origin(NamedTuple):
    """Who asked: the request's id and key, both None for what happens by itself."""

    request_id: str | None
    key: str | None


class FollowUp(NamedTuple):
    due_at: float
    action: str
    object_id: str


BY_ITSELF = Origin(None, None)


class Change:
    def __init__(self, books: Books, account: str, livemode: bool, now: float, origin: Origin) -> None:
        self.books = books
        self.account = account
        self.livemode = livemode
        self.now = now
        self.origin = origin
        self.records: list[Record] = []
        self.latest: dict[str, Record] = {}
        self.events: list[Event] = []
        self.entries: list[Entry] = []
        self.follow_ups: list[FollowUp] = []
        self.done: FollowUp | None = None  # the follow-up that this change carries out

    def get(self, object_id: str) -> Record | None:
        return self.latest.get(object_id) or self.books.get(object_id)

    def intent(self, object_id: str, param: str | None = None) -> Intent:
        """This account's PaymentIntent, or Stripe's error."""
        found = self.get(object_id)
        if not isinstance(found, Intent) or found.account != self.account:
            raise no_such("payment_intent", object_id, param)
        return found

    def charge(self, object_id: str, param: str | None = None) -> Charge:
        found = self.get(object_id)
        if not isinstance(found, Charge) or found.account != self.account:
            raise no_such("charge", object_id, param)
        return found

    def refund(self, object_id: str) -> Refund:
        found = self.get(object_id)
        if not isinstance(found, Refund) or found.account != self.account:
            raise no_such("refund", object_id)
        return found

    def dispute(self, object_id: str) -> Dispute:
        found = self.get(object_id)
        if not isinstance(found, Dispute) or found.account != self.account:
            raise no_such("dispute", object_id)
        return found

    def customer(self, object_id: str, param: str | None = None) -> Customer:
        """One that is still there."""
        found = self.get(object_id)
        if not isinstance(found, Customer) or found.account != self.account or found.deleted:
            raise no_such("customer", object_id, param)
        return found

    def put(self, record: Record) -> None:
        self.records.append(record)
        self.latest[record.id] = record

    def tell(self, type: str, snapshot: Record, previous: JSON | None = None) -> None:
        """An Event about a version that has been put."""
        self.events.append(
            Event(
                new_id("event"),
                self.account,
                self.books.next_seq(),
                int(self.now),
                self.livemode,
                type,
                snapshot,
                self.origin.request_id,
                self.origin.key,
                previous,
            )
        )

    def later(self, delay_s: float, action: str, object_id: str) -> None:
        self.follow_ups.append(FollowUp(self.now + delay_s, action, object_id))

    def enter(
        self, kind: str, outcome: str, subject: Payable, amount_minor: int, code: str | None = None
    ) -> None:
        """A line of the ledger about one object."""
        intent = self.intent(subject.id if isinstance(subject, Intent) else subject.intent)
        charge = intent.charges[-1] if intent.charges else None
        own_id, refund = None, None
        if isinstance(subject, Charge):
            charge = subject.id
        elif isinstance(subject, Refund | Dispute):
            charge, own_id, refund = subject.charge, subject.id, subject.metadata.get("refund_id")
        self.entries.append(
            Entry(
                self.books.next_seq(),
                round(self.now, 3),
                kind,
                outcome,
                amount_minor,
                intent.currency,
                self.account,
                intent.metadata.get("payment_id"),
                refund,
                intent.id,
                charge,
                own_id,
                self.origin.key,
                self.origin.request_id,
                code,
            )
        )

    def refuse(
        self, kind: str, asked: JSON, object_id: str, payment: str | None, refusal: StripeError
    ) -> None:
        """A line of the ledger about an attempt that Stripe would not carry out."""
        amount = str(asked.get("amount") or asked.get("amount_to_capture") or "")
        metadata = asked.get("metadata")
        self.entries.append(
            Entry(
                self.books.next_seq(),
                round(self.now, 3),
                kind,
                "refused",
                int(amount) if amount.isdecimal() else None,
                str(asked["currency"]) if "currency" in asked else None,
                self.account,
                payment,
                metadata.get("refund_id") if isinstance(metadata, dict) else None,
                object_id or (str(asked["payment_intent"]) if "payment_intent" in asked else None),
                str(asked["charge"]) if "charge" in asked else None,
                None,
                self.origin.key,
                self.origin.request_id,
                refusal.code or refusal.type,
            )
        )

    def as_line(self) -> JSON:
        """What the journal keeps of it."""
        line: JSON = {"a": self.account, "v": self.livemode, "t": round(self.now, 3), "q": (*self.origin,)}
        if self.account in self.books.connected:
            line["c"] = 1
        if self.records:
            line["r"] = [[LETTERS[type(record)], *record] for record in self.records]
        if self.events:
            index = {id(record): place for place, record in enumerate(self.records)}
            line["e"] = [(e.id, e.seq, e.type, index[id(e.snapshot)], e.previous) for e in self.events]
        if self.entries:
            line["l"] = [(*entry,) for entry in self.entries]
        if self.follow_ups:
            line["f"] = [(*follow_up,) for follow_up in self.follow_ups]
        if self.done:
            line["x"] = (*self.done,)
        return line
