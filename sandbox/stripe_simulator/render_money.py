"""Refunds, disputes and balance transactions as Stripe's JSON. Field lists only; no decisions.

Source: docs.stripe.com/api/refunds/object, disputes/object, balance_transactions/object.
"""

from __future__ import annotations

from collections.abc import Callable

from .identity import transaction_id
from .methods import METHODS
from .records import JSON, Charge, Dispute, Record, Refund, Transaction

Get = Callable[[str], Record | None]
NETWORK_REASONS = {"fraudulent": "10.4", "product_not_received": "13.1"}  # Visa's


def refund(refund: Refund) -> JSON:
    shown: JSON = {
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount,
        "balance_transaction": transaction_id(refund.id),
        "charge": refund.charge,
        "created": refund.created,
        "currency": refund.currency,
        "destination_details": {
            "card": {
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "metadata": refund.metadata,
        "payment_intent": refund.intent,
        "reason": refund.reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": refund.status,
        "transfer_reversal": None,
    }
    if refund.failure_reason:
        shown["failure_reason"] = refund.failure_reason
    if refund.status in ("failed", "canceled"):
        shown["failure_balance_transaction"] = transaction_id(refund.id, "f")
    return shown


def dispute(dispute: Dispute, get: Get) -> JSON:
    moved = [found for name in dispute.transactions if isinstance(found := get(name), Transaction)]
    return {
        "id": dispute.id,
        "object": "dispute",
        "amount": dispute.amount,
        "balance_transactions": [transaction(each, get) for each in moved],
        "charge": dispute.charge,
        "created": dispute.created,
        "currency": dispute.currency,
        "enhanced_eligibility_types": [],
        "evidence": dispute.evidence,
        "evidence_details": {
            "due_by": dispute.due_by,
            "enhanced_eligibility": {},
            "has_evidence": bool(dispute.evidence),
            "past_due": False,
            "submission_count": int(bool(dispute.evidence)),
        },
        "is_charge_refundable": dispute.refundable,
        "livemode": dispute.livemode,
        "metadata": dispute.metadata,
        "payment_intent": dispute.intent,
        "payment_method_details": _disputed_method(dispute, get),
        "reason": dispute.reason,
        "status": dispute.status,
    }


def _disputed_method(dispute: Dispute, get: Get) -> JSON:
    charge = get(dispute.charge)
    method = METHODS[charge.method] if isinstance(charge, Charge) else METHODS["pm_card_visa"]
    if method.type != "card":
        return {"type": method.type}
    code = NETWORK_REASONS.get(dispute.reason, "10.4")
    case = "inquiry" if dispute.status.startswith("warning") else "chargeback"
    return {"card": {"brand": method.brand, "case_type": case, "network_reason_code": code}, "type": "card"}


def transaction(transaction: Transaction, get: Get) -> JSON:
    """Nothing is withheld: the fee is 0 and the net is the amount."""
    return {
        "id": transaction.id,
        "object": "balance_transaction",
        "amount": transaction.amount,
        "available_on": transaction.created,
        "balance_type": "payments",
        "created": transaction.created,
        "currency": transaction.currency,
        "description": _description(transaction, get),
        "exchange_rate": None,
        "fee": 0,
        "fee_details": [],
        "net": transaction.amount,
        "reporting_category": transaction.category,
        "source": transaction.source,
        "status": "available",
        "type": transaction.type,
    }


def _description(transaction: Transaction, get: Get) -> str | None:
    source = get(transaction.source)
    if isinstance(source, Dispute):
        what = "withdrawal" if transaction.amount < 0 else "reversal"
        return f"Chargeback {what} for {source.charge}"
    return "REFUND FOR CHARGE" if isinstance(source, Refund) else None
