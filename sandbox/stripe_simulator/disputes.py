"""Disputes: opened by the test cards some time after the charge; answered with evidence, or closed and so lost.

Source: docs.stripe.com/testing, "Disputes" and "Evidence" (winning_evidence, losing_evidence).
"""

from __future__ import annotations

from typing import NamedTuple

from .call import Call, Timing
from .change import Change
from .errors import invalid
from .identity import new_id
from .methods import METHODS
from .parameters import Parameters
from .records import Charge, Dispute

OPEN = ("warning_needs_response", "warning_under_review", "needs_response", "under_review")
EVIDENCE_TEXTS = (
    "uncategorized_text",
    "product_description",
    "refund_policy_disclosure",
    "customer_communication",
)


class Answer(NamedTuple):
    evidence: dict[str, str]
    metadata: dict[str, str] | None
    submit: bool


def open_dispute(change: Change, timing: Timing, charge: Charge) -> None:
    """A test card's dispute. An inquiry takes no money yet and leaves the charge refundable."""
    method = METHODS[charge.method]
    if charge.disputed or method.dispute is None:
        return
    dispute = Dispute(
        new_id("dispute"),
        change.account,
        change.books.next_seq(),
        int(change.now),
        change.livemode,
        charge.id,
        charge.intent,
        charge.amount_captured,
        charge.currency,
        "warning_needs_response" if method.inquiry else "needs_response",
        method.dispute,
        int(change.now + timing.dispute_answer_s),
    )
    change.put(dispute)
    change.tell("charge.dispute.created", dispute)
    if not method.inquiry:
        change.put(charge._replace(disputed=True))
        change.tell("charge.dispute.funds_withdrawn", dispute)
    change.enter("dispute", dispute.status, dispute, dispute.amount, dispute.reason)


def retrieve(call: Call, _: None) -> Dispute:
    return call.change.dispute(call.object_id)


def read_update(p: Parameters) -> Answer:
    evidence = p.nested("evidence")
    texts = {name: evidence.text(name) for name in EVIDENCE_TEXTS} if evidence else {}
    if evidence:
        evidence.close()
    given = {name: text for name, text in texts.items() if text is not None}
    return Answer(given, p.metadata(), p.flag("submit", default=True))


def update(call: Call, answer: Answer) -> Dispute:
    dispute = _open_one(call)
    dispute = dispute._replace(
        evidence={**dispute.evidence, **answer.evidence},
        metadata={**dispute.metadata, **(answer.metadata or {})},
    )
    if answer.evidence and answer.submit:
        warning = dispute.status.startswith("warning")
        dispute = dispute._replace(status="warning_under_review" if warning else "under_review")
        call.change.later(call.timing.follow_up_s, "judge_dispute", dispute.id)
    call.change.put(dispute)
    call.change.tell("charge.dispute.updated", dispute)
    return dispute


def close(call: Call, _: None) -> Dispute:
    """The merchant accepts it."""
    dispute = _open_one(call)
    return _end(call.change, dispute, "warning_closed" if dispute.status.startswith("warning") else "lost")


def judge(change: Change, dispute: Dispute) -> None:
    """The bank decides by Stripe's magic words; any other evidence stays under review."""
    text = dispute.evidence.get("uncategorized_text", "")
    if dispute.status not in ("under_review", "warning_under_review"):
        return
    if text == "winning_evidence":
        _end(change, dispute, "won" if dispute.status == "under_review" else "warning_closed")
    elif text == "losing_evidence":
        _end(change, dispute, "lost")


def _end(change: Change, dispute: Dispute, status: str) -> Dispute:
    ended = dispute._replace(status=status)
    change.put(ended)
    change.tell("charge.dispute.closed", ended)
    if status == "won":
        change.tell("charge.dispute.funds_reinstated", ended)
    change.enter("dispute", status, ended, ended.amount, ended.reason)
    return ended


def _open_one(call: Call) -> Dispute:
    dispute = call.change.dispute(call.object_id)
    if dispute.status not in OPEN:
        raise invalid(f"This dispute is already closed with status {dispute.status}.", code="dispute_closed")
    return dispute
