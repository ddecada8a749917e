"""Reading the ledger: pages of entries, and one row per payment to compare with what a client believes."""

from __future__ import annotations

from collections.abc import Iterator

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
    low, high = 0, len(books.ledger)
    while low < high:
        middle = (low + high) // 2
        if books.ledger[middle].seq > after:
            high = middle
        else:
            low = middle + 1
    return (books.ledger[place] for place in range(low, len(books.ledger)))


def payments(books: Books, *, account: str | None, after: int, limit: int) -> JSON:
    """One row per PaymentIntent, as it stands now, with its refunds."""
    rows: list[JSON] = []
    last, more = after, False
    for (owner, prefix), ids in books.lists.items():
        if prefix != "pi" or account not in (None, owner):
            continue
        for intent_id in ids:
            intent = books.objects[intent_id]
            assert isinstance(intent, Intent)
            if intent.seq > after:
                rows.append(_row(books, intent))
    rows.sort(key=lambda row: int(row["seq"]))
    more, rows = len(rows) > limit, rows[:limit]
    last = rows[-1]["seq"] if rows else after
    return {"payments": rows, "has_more": more, "next": last}


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
