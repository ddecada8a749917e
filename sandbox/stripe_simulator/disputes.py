"""What a merchant does about a dispute: answers with evidence, or closes it and so loses.

What the bank does, before and after, is `chargebacks`' business.
"""

from __future__ import annotations

from typing import NamedTuple

from . import chargebacks
from .call import Call
from .chargebacks import OPEN
from .errors import invalid
from .parameters import Parameters, merged
from .records import Dispute

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
        metadata=merged(dispute.metadata, answer.metadata),
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
    return chargebacks.end(
        call.change, dispute, "warning_closed" if dispute.status.startswith("warning") else "lost"
    )


def _open_one(call: Call) -> Dispute:
    dispute = call.change.dispute(call.object_id)
    if dispute.status not in OPEN:
        raise invalid(f"This dispute is already closed with status {dispute.status}.", code="dispute_closed")
    return dispute
