"""Stripe's objects as our snapshots. No network, no decision about what they lead to.

Both the provider (answers, reads) and the notice reader (webhooks) see Stripe through this file alone. An object that is
not what it says it is raises `Malformed`; one that says nothing yet gives None.
"""

from collections.abc import Mapping
from datetime import datetime

from models.provider import (
    DisputeSnapshot,
    DisputeStatus,
    IntentSnapshot,
    IntentStatus,
    RefundSnapshot,
    RefundStatus,
)
from streams.adapters.stripe_declines import decline_of
from streams.adapters.stripe_objects import (
    REFUND_ID_NAME,
    StripeObject,
    amount,
    id_of,
    inner,
    metadata_of,
    moment,
    optional_text,
    signed_amount,
    text,
)

INTENT_STATUSES: dict[str, IntentStatus] = {
    "requires_payment_method": IntentStatus.FAILED,
    "requires_action": IntentStatus.REQUIRES_ACTION,
    "processing": IntentStatus.PROCESSING,
    "requires_capture": IntentStatus.AUTHORIZED,
    "succeeded": IntentStatus.CAPTURED,
    "canceled": IntentStatus.CANCELED,
}
"""Source: Stripe, payment intents, `status`. `requires_confirmation` is not here: it tells nothing about a payment."""

REFUND_STATUSES: dict[str, RefundStatus] = {
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.CANCELED,
}
"""Source: Stripe, refunds, `status`."""

DISPUTE_STATUSES: dict[str, DisputeStatus] = {status.value: status for status in DisputeStatus}
"""Source: Stripe, disputes, `status`."""


def intent_snapshot(seen: StripeObject) -> IntentSnapshot | None:
    """None while the intent says nothing of the payment: not confirmed yet, or stopped on the way there."""
    status = INTENT_STATUSES.get(text(seen, "status"))
    error = inner(seen, "last_payment_error")
    if status is None or (status is IntentStatus.FAILED and error is None):
        return None
    charge = seen.get("latest_charge")
    return IntentSnapshot(
        intent=text(seen, "id"),
        status=status,
        currency=text(seen, "currency"),
        amount_minor=amount(seen, "amount"),
        amount_capturable_minor=amount(seen, "amount_capturable"),
        amount_captured_minor=amount(seen, "amount_received"),
        charge=text(charge, "id") if isinstance(charge, Mapping) else optional_text(seen, "latest_charge"),
        authorized_until=_capture_before(charge) if isinstance(charge, Mapping) else None,
        next_action=_next_action(seen) if status is IntentStatus.REQUIRES_ACTION else None,
        cancellation_reason=optional_text(seen, "cancellation_reason"),
        decline=decline_of(error) if error is not None and status is IntentStatus.FAILED else None,
        client_secret=optional_text(seen, "client_secret")
        if status is IntentStatus.REQUIRES_ACTION
        else None,
    )


def refund_snapshot(seen: StripeObject) -> RefundSnapshot | None:
    """None for a refund that is not one of ours, or in a status that Stripe has added since."""
    refund_id = metadata_of(seen).get(REFUND_ID_NAME)
    status = REFUND_STATUSES.get(text(seen, "status"))
    if not isinstance(refund_id, str) or status is None:
        return None
    return RefundSnapshot(
        refund_id=refund_id,
        provider_refund=text(seen, "id"),
        status=status,
        currency=text(seen, "currency"),
        amount_minor=amount(seen, "amount"),
        failure_reason=optional_text(seen, "failure_reason"),
    )


def dispute_snapshot(seen: StripeObject) -> DisputeSnapshot | None:
    """None for a dispute of no payment intent, or in a status that Stripe has added since.

    Its balance transactions tell of its money: what was taken is below zero, what was given back above.
    """
    intent, status = id_of(seen, "payment_intent"), DISPUTE_STATUSES.get(text(seen, "status"))
    if intent is None or status is None:
        return None
    moved = [
        signed_amount(each) for each in seen.get("balance_transactions") or () if isinstance(each, Mapping)
    ]
    return DisputeSnapshot(
        dispute_id=text(seen, "id"),
        intent=intent,
        status=status,
        currency=text(seen, "currency"),
        amount_minor=amount(seen, "amount"),
        reason=optional_text(seen, "reason"),
        respond_by=moment(inner(seen, "evidence_details") or {}, "due_by"),
        withdrawn=any(sum_minor < 0 for sum_minor in moved),
        reinstated=any(sum_minor > 0 for sum_minor in moved),
        refundable=seen.get("is_charge_refundable") is True,
    )


def _next_action(seen: StripeObject) -> dict[str, object] | None:
    action = inner(seen, "next_action")
    return dict(action) if action is not None else None


def _capture_before(charge: StripeObject) -> datetime | None:
    card = inner(inner(charge, "payment_method_details") or {}, "card") or {}
    return moment(card, "capture_before")
