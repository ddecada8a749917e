"""A transaction as the contract shows it: the payment object of REST, of events, of replies. JSON-ready dicts only."""

from datetime import datetime
from functools import lru_cache
from typing import Any

from models.dispute import Dispute
from models.errors import InvariantBroken
from models.payment import Payment
from models.provider import Decline
from models.refund import Refund
from models.transaction import Transaction

PROVIDER = "stripe"


@lru_cache(maxsize=256)
def rfc3339(at: datetime) -> str:
    """`2026-01-31T12:00:00.000Z`; `at` is aware and in UTC. Remembered: a command's few times are written many times over."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def payment_view(transaction: Transaction, livemode: bool) -> dict[str, Any]:
    """Source: contract, "The payment". Amounts in minor units of `currency`."""
    payment = transaction.payment
    if payment is None:
        raise InvariantBroken(f"{transaction.id} has no payment to show")
    terms = payment.terms
    return {
        "id": transaction.id,
        "object": "payment",
        "merchant": transaction.merchant,
        "sequence": transaction.sequence,
        "status": payment.status.value,
        "amount": terms.money.amount_minor,
        "currency": terms.money.currency,
        "amount_authorized": payment.amount_authorized_minor,
        "amount_capturable": payment.amount_capturable_minor,
        "amount_captured": payment.amount_captured_minor,
        "amount_refunded": transaction.amount_refunded_minor,
        "amount_refund_pending": transaction.amount_refund_pending_minor,
        "amount_refundable": transaction.amount_refundable_minor,
        "amount_disputed": transaction.amount_disputed_minor,
        "capture_method": terms.capture_method.value,
        "payment_method": terms.payment_method,
        "description": terms.description,
        "customer": terms.customer,
        "receipt_email": terms.receipt_email,
        "metadata": terms.metadata,
        "next_action": payment.next_action,
        "client_secret": payment.client_secret,
        "decline": decline_view(payment.decline),
        "cancellation_reason": payment.cancellation_reason,
        "authorized_until": payment.authorized_until and rfc3339(payment.authorized_until),
        "unknown_since": payment.unknown_since and rfc3339(payment.unknown_since),
        "provider": _provider_view(payment),
        "livemode": livemode,
        "refunds": [refund_view(refund) for refund in transaction.refunds.values()],
        "disputes": [dispute_view(dispute) for dispute in transaction.disputes.values()],
        "created_at": rfc3339(payment.created_at),
        "updated_at": rfc3339(payment.updated_at),
    }


def _provider_view(payment: Payment) -> dict[str, Any]:
    """`account`: where the payment is not in the one that is everybody's."""
    view = {"name": PROVIDER, "payment_intent": payment.intent, "charge": payment.charge}
    return view if payment.account is None else {**view, "account": payment.account}


def refund_view(refund: Refund) -> dict[str, Any]:
    return {
        "id": refund.id,
        "object": "refund",
        "status": refund.status.value,
        "amount": refund.amount_minor,
        "reason": refund.reason,
        "failure_reason": refund.failure_reason,
        "metadata": refund.metadata,
        "created_at": rfc3339(refund.created_at),
        "updated_at": rfc3339(refund.updated_at),
    }


def dispute_view(dispute: Dispute) -> dict[str, Any]:
    """`id` is the provider's; amounts in minor units of the dispute's own `currency`."""
    return {
        "id": dispute.id,
        "object": "dispute",
        "status": dispute.status.value,
        "amount": dispute.amount_minor,
        "currency": dispute.currency,
        "reason": dispute.reason,
        "respond_by": dispute.respond_by and rfc3339(dispute.respond_by),
        "amount_withdrawn": dispute.amount_minor if dispute.withdrawn else 0,
        "amount_reinstated": dispute.amount_minor if dispute.reinstated else 0,
        "refundable": dispute.refundable,
        "created_at": rfc3339(dispute.created_at),
        "updated_at": rfc3339(dispute.updated_at),
    }


def decline_view(decline: Decline | None) -> dict[str, Any] | None:
    if decline is None:
        return None
    return {
        "code": decline.code,
        "decline_code": decline.decline_code,
        "advice": decline.advice,
        "message": decline.message,
        "advice_code": decline.advice_code,
        "network_code": decline.network_code,
        "rule": decline.rule,
    }
