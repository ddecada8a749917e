"""Stripe's card errors as declines, and what each tells a client to do: one table. What follows from a decline is not here."""

from models.provider import Decline
from streams.adapters.stripe_objects import StripeObject, optional_text, safe_text

DO_NOT_RETRY, TRY_AGAIN_LATER = "do_not_retry", "try_again_later"
USE_ANOTHER_METHOD, AUTHENTICATE = "use_another_method", "authenticate"

ADVICE: dict[str, str] = {
    **dict.fromkeys(
        (
            "authentication_not_handled",
            "authentication_required",
            "payment_intent_authentication_failure",
        ),
        AUTHENTICATE,
    ),
    # the cardholder or the issuer wants no more of it: another try is what networks fine
    **dict.fromkeys(
        (
            "do_not_try_again",
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
        DO_NOT_RETRY,
    ),
}
"""What these declines mean whatever else is advised. Source: Stripe, decline codes, next steps."""

ADVICE_BY_STRIPES: dict[str, str] = {
    "do_not_try_again": DO_NOT_RETRY,
    "try_again_later": TRY_AGAIN_LATER,
    "confirm_card_data": USE_ANOTHER_METHOD,
}
"""Source: Stripe, card declines, `advice_code`."""

ADVICE_OTHERWISE: dict[str, str] = {
    **dict.fromkeys(
        (
            "approve_with_id",
            "issuer_not_available",
            "no_action_taken",
            "processing_error",
            "reenter_transaction",
            "try_again_later",
        ),
        TRY_AGAIN_LATER,
    ),
    "duplicate_transaction": DO_NOT_RETRY,  # a payment of the same amount to the same card has just been made
    **dict.fromkeys(
        (
            "call_issuer",
            "card_not_supported",
            "card_velocity_exceeded",
            "currency_not_supported",
            "do_not_honor",
            "expired_card",
            "generic_decline",
            "incorrect_address",
            "incorrect_cvc",
            "incorrect_number",
            "incorrect_pin",
            "incorrect_zip",
            "insufficient_funds",
            "invalid_account",
            "invalid_amount",
            "invalid_cvc",
            "invalid_expiry_month",
            "invalid_expiry_year",
            "invalid_number",
            "invalid_pin",
            "new_account_information_available",
            "not_permitted",
            "offline_pin_required",
            "online_or_offline_pin_required",
            "pin_try_exceeded",
            "service_not_allowed",
            "testmode_decline",
            "transaction_not_allowed",
            "withdrawal_count_limit_exceeded",
        ),
        USE_ANOTHER_METHOD,
    ),
}
"""Where Stripe advises nothing. What is in no table is answered like most of it. Source: the same."""


def decline_of(error: StripeObject) -> Decline:
    """From the error of a 402, or from an intent's `last_payment_error`, which has the same shape."""
    code = optional_text(error, "code") or optional_text(error, "type") or "card_declined"
    decline_code = optional_text(error, "decline_code")
    advice_code, network_code = (optional_text(error, n) for n in ("advice_code", "network_decline_code"))
    advice = _advice(code, decline_code, advice_code)
    message = optional_text(error, "message") or "The payment was declined."
    return Decline(code, decline_code, advice, safe_text(message), advice_code, network_code)


def _advice(code: str, decline_code: str | None, stripes: str | None) -> str:
    for named in (decline_code, code):
        if named in ADVICE:
            return ADVICE[named]
    if stripes in ADVICE_BY_STRIPES:
        return ADVICE_BY_STRIPES[stripes]
    return ADVICE_OTHERWISE.get(decline_code or code, USE_ANOTHER_METHOD)
