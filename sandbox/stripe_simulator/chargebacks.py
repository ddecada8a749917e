"""What the customer's bank does: opens a dispute or an inquiry, escalates it, decides it, and moves the money.

What the merchant may do about it is `disputes`' business.
Source: docs.stripe.com/disputes/how-disputes-work (inquiries, funds), docs.stripe.com/testing ("Evidence").
"""

from __future__ import annotations

from . import transactions
from .call import Timing
from .change import Change
from .errors import invalid
from .identity import new_id
from .methods import METHODS
from .records import Charge, Dispute

OPEN = ("warning_needs_response", "warning_under_review", "needs_response", "under_review")
REASONS = (
    "bank_cannot_process check_returned credit_not_processed customer_initiated debit_not_authorized duplicate fraudulent "
    "general incorrect_account_details insufficient_funds noncompliant product_not_received product_unacceptable "
    "subscription_canceled unrecognized"
).split()
ENDS = {  # how each kind may end
    "inquiry": ("warning_closed",),
    "chargeback": ("won", "lost"),
}


def follow_charge(change: Change, timing: Timing, charge: Charge) -> None:
    """The dispute that a test payment method brings some time after its charge."""
    method = METHODS[charge.method]
    if method.dispute is not None and charge.dispute is None and not charge.disputed:
        open_dispute(change, timing, charge, method.dispute, method.inquiry)


def open_dispute(
    change: Change,
    timing: Timing,
    charge: Charge,
    reason: str,
    inquiry: bool = False,
    amount_minor: int | None = None,
) -> Dispute:
    """On any captured charge whose money is there to be disputed. An inquiry takes no money and leaves the charge refundable."""
    _check(change, charge, reason, amount_minor)
    dispute = Dispute(
        new_id("dispute"),
        change.account,
        change.books.next_seq(),
        int(change.now),
        change.livemode,
        charge.id,
        charge.intent,
        charge.amount_captured if amount_minor is None else amount_minor,
        charge.currency,
        "warning_needs_response" if inquiry else "needs_response",
        reason,
        int(change.now + timing.dispute_answer_s),
    )
    charge = charge._replace(dispute=dispute.id)
    change.put(charge)
    if not inquiry:
        dispute = _withdraw(change, charge, dispute)
    change.put(dispute)
    change.tell("charge.dispute.created", dispute)
    if not inquiry:
        change.tell("charge.dispute.funds_withdrawn", dispute)
    change.enter("dispute", dispute.status, dispute, dispute.amount, dispute.reason)
    return dispute


def escalate(change: Change, timing: Timing, dispute: Dispute) -> Dispute:
    """The bank was not content with the answer to its inquiry: now it takes the money."""
    if dispute.status not in ("warning_needs_response", "warning_under_review"):
        raise invalid(f"Only an open inquiry can be escalated; the status is {dispute.status}.")
    before = dispute.status
    due_by = int(change.now + timing.dispute_answer_s)
    dispute = dispute._replace(status="needs_response", due_by=due_by, evidence={})
    dispute = _withdraw(change, change.charge(dispute.charge), dispute)
    change.put(dispute)
    change.tell("charge.dispute.updated", dispute, {"status": before})
    change.tell("charge.dispute.funds_withdrawn", dispute)
    change.enter("dispute", dispute.status, dispute, dispute.amount, dispute.reason)
    return dispute


def judge(change: Change, timing: Timing, dispute: Dispute) -> None:
    """The bank decides by Stripe's magic words; any other evidence stays under review. An inquiry is never won or lost."""
    text = dispute.evidence.get("uncategorized_text", "")
    if dispute.status == "warning_under_review" and text == "escalate_inquiry_evidence":
        escalate(change, timing, dispute)
    elif dispute.status == "warning_under_review" and text in ("winning_evidence", "losing_evidence"):
        end(change, dispute, "warning_closed")
    elif dispute.status == "under_review" and text in ("winning_evidence", "losing_evidence"):
        end(change, dispute, "won" if text == "winning_evidence" else "lost")


def end(change: Change, dispute: Dispute, status: str) -> Dispute:
    """Closed for good. What was won comes back."""
    kind = "inquiry" if dispute.status.startswith("warning") else "chargeback"
    if dispute.status not in OPEN:
        raise invalid(f"This dispute is already closed with status {dispute.status}.", code="dispute_closed")
    if status not in ENDS[kind]:
        raise invalid(f"A {kind} ends as {' or '.join(ENDS[kind])}, not as {status}.", "status")
    ended = dispute._replace(status=status)
    if status == "won":
        back = transactions.of_reinstatement(change, change.charge(dispute.charge), dispute)
        ended = ended._replace(transactions=[*dispute.transactions, back.id])
    change.put(ended)
    if status == "won":
        change.tell("charge.dispute.funds_reinstated", ended)
    change.tell("charge.dispute.closed", ended)
    change.enter("dispute", status, ended, ended.amount, ended.reason)
    return ended


def _withdraw(change: Change, charge: Charge, dispute: Dispute) -> Dispute:
    change.put(charge._replace(disputed=True))
    taken = transactions.of_withdrawal(change, charge, dispute)
    return dispute._replace(transactions=[*dispute.transactions, taken.id])


def _check(change: Change, charge: Charge, reason: str, amount_minor: int | None) -> None:
    earlier = change.get(charge.dispute) if charge.dispute else None
    if charge.amount_captured == 0:
        raise invalid(f"Charge {charge.id} has not been captured; there is nothing to dispute.", "charge")
    if isinstance(earlier, Dispute) and (earlier.status in OPEN or earlier.status == "lost"):
        raise invalid(
            f"Charge {charge.id} already has a dispute, {earlier.id}, which is {earlier.status}.", "charge"
        )
    if reason not in REASONS:
        raise invalid(f"Invalid reason: must be one of {', '.join(REASONS)}", "reason")
    if amount_minor is not None and not 0 < amount_minor <= charge.amount_captured:
        raise invalid(f"Invalid amount: between 1 and {charge.amount_captured}", "amount")
