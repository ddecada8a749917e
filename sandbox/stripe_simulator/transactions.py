"""Balance transactions: what charges, refunds and disputes did to the account's balance. Fees are not simulated.

Source: docs.stripe.com/reports/balance-transaction-types, docs.stripe.com/reports/reporting-categories.
"""

from __future__ import annotations

from .call import Call
from .change import Change
from .errors import no_such
from .identity import transaction_id
from .listing import Item, Page
from .methods import METHODS
from .records import Charge, Dispute, Refund, Transaction

FILTERS = ("type", "source", "currency")


def of_capture(change: Change, charge: Charge, amount_minor: int) -> Transaction:
    """Money that came in. A second capture of one charge makes a second transaction."""
    first = transaction_id(charge.id)
    earlier = 0
    while change.get(transaction_id(charge.id, f"c{earlier}") if earlier else first):
        earlier += 1
    id = transaction_id(charge.id, f"c{earlier}") if earlier else first
    return _put(change, id, charge.id, amount_minor, charge, _type(charge, "charge", "payment"), "charge")


def of_refund(change: Change, charge: Charge, refund: Refund) -> Transaction:
    type = _type(charge, "refund", "payment_refund")
    return _put(change, transaction_id(refund.id), refund.id, -refund.amount, charge, type, "refund")


def of_refund_failure(change: Change, charge: Charge, refund: Refund) -> Transaction:
    """The money of a failed or canceled refund is back."""
    id, type = transaction_id(refund.id, "f"), "refund_failure"
    return _put(change, id, refund.id, refund.amount, charge, type, "refund_failure")


def of_withdrawal(change: Change, charge: Charge, dispute: Dispute) -> Transaction:
    id = transaction_id(dispute.id)
    return _put(change, id, dispute.id, -dispute.amount, charge, "adjustment", "dispute")


def of_reinstatement(change: Change, charge: Charge, dispute: Dispute) -> Transaction:
    id = transaction_id(dispute.id, "r")
    return _put(change, id, dispute.id, dispute.amount, charge, "adjustment", "dispute_reversal")


def retrieve(call: Call, _: None) -> Transaction:
    found = call.change.get(call.object_id)
    if not isinstance(found, Transaction) or found.account != call.change.account:
        raise no_such("balance transaction", call.object_id)
    return found


def wanted(item: Item, page: Page) -> bool:
    return all(getattr(item, name) == value for name, value in page.filters.items())


def _type(charge: Charge, by_card: str, otherwise: str) -> str:
    return by_card if METHODS[charge.method].type == "card" else otherwise


def _put(
    change: Change, id: str, source: str, amount_minor: int, charge: Charge, type: str, category: str
) -> Transaction:
    transaction = Transaction(
        id,
        change.account,
        change.books.next_seq(),
        int(change.now),
        change.livemode,
        source,
        amount_minor,
        charge.currency,
        type,
        category,
    )
    change.put(transaction)
    return transaction
