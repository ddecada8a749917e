"""A cardholder's bank as it behaves: it asks or charges back, takes the money, reviews, decides, and gives back what was won.

It tells each step of a dispute once, in order; who hears of it when is not its business.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from models.provider import DisputeSnapshot, DisputeStatus, IntentSnapshot

Choose = Callable[[Sequence[str]], str]

_D = DisputeStatus
DISPUTES_MAX = 2
"""Of one payment; a third is no other story."""

STEPS: dict[DisputeStatus, tuple[DisputeStatus, ...]] = {
    _D.WARNING_NEEDS_RESPONSE: (_D.WARNING_UNDER_REVIEW, _D.WARNING_CLOSED, _D.NEEDS_RESPONSE, _D.PREVENTED),
    _D.WARNING_UNDER_REVIEW: (_D.WARNING_CLOSED, _D.NEEDS_RESPONSE),
    _D.NEEDS_RESPONSE: (_D.UNDER_REVIEW, _D.LOST),
    _D.UNDER_REVIEW: (_D.WON, _D.LOST),
}
"""Source: Stripe, disputes, how disputes work: inquiries, escalation, the bank's decision."""

TAKES_MONEY = (_D.NEEDS_RESPONSE, _D.UNDER_REVIEW, _D.LOST)


@dataclass
class HonestBank:
    choose: Choose
    disputes: dict[str, DisputeSnapshot] = field(default_factory=dict)

    @property
    def holds_minor(self) -> int:
        """What it has taken and not given back."""
        return sum(d.amount_minor for d in self.disputes.values() if d.withdrawn and not d.reinstated)

    @property
    def forbids_refunds(self) -> bool:
        return any(not dispute.refundable for dispute in self.disputes.values())

    def go_on(self, intent: IntentSnapshot) -> DisputeSnapshot | None:
        """The next step of one of the disputes of `intent`, or a new one; None: everything is at its end."""
        possible = [id for id, dispute in self.disputes.items() if _steps(dispute)]
        if len(self.disputes) < DISPUTES_MAX:
            possible.append("new")
        if not possible:
            return None
        chosen = self.choose(possible)
        now = self._opened(intent) if chosen == "new" else self._further(self.disputes[chosen])
        self.disputes[now.dispute_id] = now
        return now

    def _opened(self, intent: IntentSnapshot) -> DisputeSnapshot:
        status = _D(self.choose((_D.WARNING_NEEDS_RESPONSE, _D.NEEDS_RESPONSE)))
        id = f"du_{len(self.disputes) + 1}"
        amount = int(self.choose(("1", str(intent.amount_captured_minor))))
        return DisputeSnapshot(
            id, intent.intent, status, intent.currency, amount, refundable=status is _D.WARNING_NEEDS_RESPONSE
        )

    def _further(self, dispute: DisputeSnapshot) -> DisputeSnapshot:
        match self.choose(_steps(dispute)):
            case "withdrawn":
                return replace(dispute, withdrawn=True)
            case "reinstated":
                return replace(dispute, reinstated=True, refundable=True)
            case chosen:
                status = _D(chosen)
                return replace(dispute, status=status, refundable=status.startswith("warning"))


def _steps(dispute: DisputeSnapshot) -> list[str]:
    """What may come next: the money goes before the decision, and comes back after it."""
    if dispute.status in TAKES_MONEY and not dispute.withdrawn:
        return ["withdrawn"]
    if dispute.status is _D.WON:
        return [] if dispute.reinstated else ["reinstated"]
    return [status.value for status in STEPS.get(dispute.status, ())]
