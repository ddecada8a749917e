"""`/_sim/disputes…`: acting as the customer's bank. What it then does to the money is `chargebacks`' business."""

from __future__ import annotations

from . import chargebacks
from .change import Change
from .errors import invalid, no_such
from .records import JSON, Charge, Dispute, Intent
from .simulator import Simulator

OPENING = ("charge", "payment_intent", "reason", "inquiry", "amount")


class Bank:
    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator

    def act(self, rest: str, asked: JSON) -> JSON:
        """{"charge" or "payment_intent", "reason", "inquiry", "amount"}; /{id}/escalate; /{id}/close {"status": "won"}."""
        return self.simulator.renderer.show(_act(self.simulator, rest, asked))


def _act(simulator: Simulator, rest: str, asked: JSON) -> Dispute:
    """Opens a dispute; or escalates or closes the one that the path names."""
    dispute_id, _, verb = rest.partition("/")
    if not dispute_id:
        return _open(simulator, asked)
    dispute, status = _dispute(simulator, dispute_id), str(asked.get("status", ""))
    if verb == "escalate":
        return simulator.act(dispute, lambda change: chargebacks.escalate(change, simulator.timing, dispute))
    if verb == "close":
        return simulator.act(dispute, lambda change: chargebacks.end(change, dispute, status))
    raise no_such("control", f"disputes/{rest}")


def _open(simulator: Simulator, asked: JSON) -> Dispute:
    unknown = sorted(set(asked) - set(OPENING))
    if unknown:
        raise invalid(f"unknown members: {', '.join(unknown)}; known: {', '.join(OPENING)}")
    amount = asked.get("amount")
    if amount is not None and type(amount) is not int:
        raise invalid("amount is an integer of minor units", "amount")
    charge = _charge(simulator, asked)
    reason, inquiry = str(asked.get("reason", "fraudulent")), bool(asked.get("inquiry", False))

    def open_it(change: Change) -> Dispute:
        return chargebacks.open_dispute(change, simulator.timing, charge, reason, inquiry, amount)

    return simulator.act(charge, open_it)


def _charge(simulator: Simulator, asked: JSON) -> Charge:
    """The charge, or the last one of the payment intent."""
    charge_id = asked.get("charge")
    if charge_id is None:
        intent_id = str(asked.get("payment_intent", ""))
        intent = simulator.books.get(intent_id)
        if not isinstance(intent, Intent):
            raise no_such("payment_intent", intent_id)
        if not intent.charges:
            raise invalid(f"{intent.id} has no charge yet; there is nothing to dispute.")
        charge_id = intent.charges[-1]
    charge = simulator.books.get(str(charge_id))
    if not isinstance(charge, Charge):
        raise no_such("charge", str(charge_id))
    return charge


def _dispute(simulator: Simulator, dispute_id: str) -> Dispute:
    found = simulator.books.get(dispute_id)
    if not isinstance(found, Dispute):
        raise no_such("dispute", dispute_id)
    return found
