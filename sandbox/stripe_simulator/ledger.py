"""Reading the ledger: pages of entries, and one row per payment to compare with what a client believes."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice

from .books import Books
from .records import JSON, Charge, Entry, Intent, Refund

LIMIT_DEFAULT = 1_000
LIMIT_MAX = 20_000  # entries in one page


def entries(
    books: Books, *, payment: str | None, kind: str | None, account: str | None, after: int, limit: int
) -> JSON:
    """Entries with `seq` above `after`, oldest first; `next` is the `after` of the next page."""
    found: list[Entry] = []
    more = False
    for entry in _from(books, payment, after):
        if kind not in (None, entry.kind) or account not in (None, entry.account):
            continue
        if len(found) == limit:
            more = True
            break
        found.append(entry)
    return {
        "entries": [entry._asdict() for entry in found],
        "has_more": more,
        "next": found[-1].seq if found else after,
        "total": len(books.ledger) if payment is None else len(books.ledger_of_payment.get(payment, ())),
    }


def _from(books: Books, payment: str | None, after: int) -> Iterator[Entry]:
    if payment is not None:
        places = books.ledger_of_payment.get(payment, [])
        return (books.ledger[place] for place in places if books.ledger[place].seq > after)
    start = bisect_right(books.ledger, after, key=lambda entry: entry.seq)
    return (books.ledger[place] for place in range(start, len(books.ledger)))


def payments(books: Books, *, account: str | None, after: int, limit: int) -> JSON:
    """One row per PaymentIntent, as it stands now, with its refunds."""
    per_account = (
        _intents_after(books, ids, after)
        for (owner, prefix), ids in books.lists.items()
        if prefix == "pi" and account in (None, owner)
    )
    found = list(islice(heapq.merge(*per_account, key=lambda intent: intent.seq), limit + 1))
    rows = [_row(books, intent) for intent in found[:limit]]
    return {"payments": rows, "has_more": len(found) > limit, "next": rows[-1]["seq"] if rows else after}


def _intents_after(books: Books, ids: list[str], after: int) -> Iterator[Intent]:
    start = bisect_right(ids, after, key=lambda intent_id: books.objects[intent_id].seq)
    for place in range(start, len(ids)):
        intent = books.objects[ids[place]]
        assert isinstance(intent, Intent)
        yield intent


def _row(books: Books, intent: Intent) -> JSON:
    charges = [charge for charge_id in intent.charges if isinstance(charge := books.get(charge_id), Charge)]
    refunds = [
        refund
        for charge in charges
        for refund_id in charge.refunds
        if isinstance(refund := books.get(refund_id), Refund)
    ]
    return {
        "seq": intent.seq,
        "payment": intent.metadata.get("payment_id"),
        "account": intent.account,
        "payment_intent": intent.id,
        "status": intent.status,
        "currency": intent.currency,
        "amount": intent.amount,
        "amount_capturable": intent.amount_capturable,
        "amount_captured": intent.amount_received,
        "amount_refunded": sum(refund.amount for refund in refunds if refund.status == "succeeded"),
        "amount_refund_pending": sum(refund.amount for refund in refunds if refund.status == "pending"),
        "charges_succeeded": sum(charge.status == "succeeded" for charge in charges),
        "disputed": any(charge.disputed for charge in charges),
        "refunds": [
            {"refund": r.metadata.get("refund_id"), "object": r.id, "status": r.status, "amount": r.amount}
            for r in refunds
        ],
    }
