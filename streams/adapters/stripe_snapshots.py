"""Stripe's objects as our snapshots, and its card errors as declines. No network, no decision about what they lead to.

Both the provider (answers, reads) and the notice reader (webhooks) see Stripe through this file alone. An object that is
not what it says it is raises `Malformed`; one that says nothing yet gives None.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from models.card_numbers import holds_card_number
from models.provider import Decline, IntentSnapshot, IntentStatus, RefundSnapshot, RefundStatus

StripeObject = Mapping[str, Any]

PAYMENT_ID_NAME, MERCHANT_NAME, REFUND_ID_NAME = "payment_id", "merchant", "refund_id"
"""The names of our own metadata. Written last, so that a merchant's own of the same name cannot hide them."""

MESSAGE_MAX_CHARS = 500

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

ADVICE_BY_DECLINE: dict[str, str] = {
    **dict.fromkeys(
        ("authentication_required", "payment_intent_authentication_failure", "authentication_not_handled"),
        "authenticate",
    ),
    **dict.fromkeys(
        (
            "fraudulent",
            "lost_card",
            "merchant_blacklist",
            "pickup_card",
            "restricted_card",
            "revocation_of_all_authorizations",
            "revocation_of_authorization",
            "security_violation",
            "stolen_card",
            "stop_payment_order",
        ),
        "do_not_retry",
    ),
}
"""What these declines mean whatever else is advised. Source: Stripe, decline codes, next steps."""
ADVICE_BY_STRIPES: dict[str, str] = {
    "do_not_try_again": "do_not_retry",
    "try_again_later": "try_again_later",
    "confirm_card_data": "use_another_method",
}
"""Source: Stripe, card declines, `advice_code`."""
ADVICE_OTHERWISE: dict[str, str] = {
    **dict.fromkeys(
        (
            "approve_with_id",
            "issuer_not_available",
            "processing_error",
            "reenter_transaction",
            "try_again_later",
        ),
        "try_again_later",
    ),
}

_SECRETS = re.compile(r"\b(?:sk|rk|pk|whsec)_\w+|\b\w+_secret_\w+", re.ASCII)


class Malformed(Exception):
    """Not an object of the kind that was expected. The message names the field, never its value."""


def intent_snapshot(seen: StripeObject) -> IntentSnapshot | None:
    """None while the intent says nothing of the payment: not confirmed yet, or stopped on the way there."""
    status = INTENT_STATUSES.get(_text(seen, "status"))
    error = _object(seen, "last_payment_error")
    if status is None or (status is IntentStatus.FAILED and error is None):
        return None
    charge = seen.get("latest_charge")
    return IntentSnapshot(
        intent=_text(seen, "id"),
        status=status,
        currency=_text(seen, "currency"),
        amount_minor=_amount(seen, "amount"),
        amount_capturable_minor=_amount(seen, "amount_capturable"),
        amount_captured_minor=_amount(seen, "amount_received"),
        charge=_text(charge, "id") if isinstance(charge, Mapping) else _optional_text(seen, "latest_charge"),
        authorized_until=_capture_before(charge) if isinstance(charge, Mapping) else None,
        next_action=_next_action(seen) if status is IntentStatus.REQUIRES_ACTION else None,
        cancellation_reason=_optional_text(seen, "cancellation_reason"),
        decline=decline_of(error) if error is not None and status is IntentStatus.FAILED else None,
    )


def refund_snapshot(seen: StripeObject) -> RefundSnapshot | None:
    """None for a refund that is not one of ours, or in a status that Stripe has added since."""
    refund_id = metadata_of(seen).get(REFUND_ID_NAME)
    status = REFUND_STATUSES.get(_text(seen, "status"))
    if not isinstance(refund_id, str) or status is None:
        return None
    return RefundSnapshot(
        refund_id=refund_id,
        provider_refund=_text(seen, "id"),
        status=status,
        currency=_text(seen, "currency"),
        amount_minor=_amount(seen, "amount"),
        failure_reason=_optional_text(seen, "failure_reason"),
    )


def decline_of(error: StripeObject) -> Decline:
    """From the error of a 402, or from an intent's `last_payment_error`, which has the same shape."""
    code = _optional_text(error, "code") or _optional_text(error, "type") or "card_declined"
    decline_code = _optional_text(error, "decline_code")
    advice = _advice(code, decline_code, _optional_text(error, "advice_code"))
    message = _optional_text(error, "message") or "The payment was declined."
    return Decline(code, decline_code, advice, safe_text(message))


def metadata_of(seen: StripeObject) -> StripeObject:
    return _object(seen, "metadata") or {}


def id_of(seen: StripeObject, name: str) -> str | None:
    """The id of a related object, expanded or not."""
    related = seen.get(name)
    if isinstance(related, Mapping):
        related = related.get("id")
    return related if isinstance(related, str) else None


def safe_text(message: str) -> str:
    """A text of Stripe's that may be shown and logged: no card number, no key, no client secret, not too long."""
    if holds_card_number(message):
        return "(withheld: it held what looks like a card number)"
    whole = message.encode(errors="replace").decode()  # JSON may hold half a character, UTF-8 may not
    return _SECRETS.sub("(withheld)", whole)[:MESSAGE_MAX_CHARS]


def _advice(code: str, decline_code: str | None, stripes: str | None) -> str:
    for named in (decline_code, code):
        if named in ADVICE_BY_DECLINE:
            return ADVICE_BY_DECLINE[named]
    if stripes in ADVICE_BY_STRIPES:
        return ADVICE_BY_STRIPES[stripes]
    return ADVICE_OTHERWISE.get(decline_code or code, "use_another_method")


def _next_action(seen: StripeObject) -> dict[str, object] | None:
    action = _object(seen, "next_action")
    return dict(action) if action is not None else None


def _capture_before(charge: StripeObject) -> datetime | None:
    card = _object(_object(charge, "payment_method_details") or {}, "card") or {}
    moment = card.get("capture_before")
    return datetime.fromtimestamp(moment, UTC) if type(moment) is int else None


def _object(seen: StripeObject, name: str) -> StripeObject | None:
    value = seen.get(name)
    return value if isinstance(value, Mapping) else None


def _text(seen: StripeObject, name: str) -> str:
    value = seen.get(name)
    if not isinstance(value, str) or not value:
        raise Malformed(f"{name} is no text")
    return value


def _optional_text(seen: StripeObject, name: str) -> str | None:
    value = seen.get(name)
    return value if isinstance(value, str) and value else None


def _amount(seen: StripeObject, name: str) -> int:
    value = seen.get(name)
    if type(value) is not int or value < 0:  # True is an int too
        raise Malformed(f"{name} is no amount")
    return value
