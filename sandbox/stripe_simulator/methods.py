"""Stripe's published test payment methods and what each one does, as a table.

Source: docs.stripe.com/testing (cards by brand, declined payments, disputes, refunds, 3D Secure),
docs.stripe.com/payments/ach-direct-debit and /sepa-debit (test account numbers).
"""

from __future__ import annotations

from typing import NamedTuple

from .errors import StripeError
from .records import JSON


class Decline(NamedTuple):
    code: str
    decline_code: str | None
    message: str
    advice: str | None = None
    network_code: str | None = None


class Method(NamedTuple):
    """What happens to a charge with it; everything left out goes well at once."""

    type: str = "card"
    brand: str = "visa"
    last4: str = "4242"
    funding: str = "credit"
    country: str = "US"
    decline: str | None = None  # the charge fails
    challenge: bool = False  # the customer must authenticate first
    until_set_up: bool = False  # no more, once it was set up for later payments
    settles: str = "at_once"  # or: later, much_later, never
    settle_failure: str | None = None  # it fails when it settles
    refund: str = "succeeds"  # or: fails_later, succeeds_later
    dispute: str | None = None  # the reason of the dispute that follows
    inquiry: bool = False  # the dispute begins as an inquiry


DECLINED = "Your card was declined."
DECLINES = {
    "generic_decline": Decline("card_declined", "generic_decline", DECLINED, "try_again_later", "01"),
    "insufficient_funds": Decline(
        "card_declined", "insufficient_funds", "Your card has insufficient funds.", "try_again_later", "51"
    ),
    "lost_card": Decline("card_declined", "lost_card", DECLINED, "do_not_try_again", "41"),
    "stolen_card": Decline("card_declined", "stolen_card", DECLINED, "do_not_try_again", "43"),
    "fraudulent": Decline("card_declined", "fraudulent", DECLINED, "do_not_try_again"),
    "card_velocity_exceeded": Decline(
        "card_declined",
        "card_velocity_exceeded",
        "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
        "try_again_later",
        "65",
    ),
    "expired_card": Decline("expired_card", None, "Your card has expired.", "confirm_card_data", "54"),
    "incorrect_cvc": Decline(
        "incorrect_cvc", None, "Your card's security code is incorrect.", "confirm_card_data", "N7"
    ),
    "incorrect_number": Decline(
        "incorrect_number", None, "Your card number is incorrect.", "confirm_card_data"
    ),
    "processing_error": Decline(
        "processing_error",
        None,
        "An error occurred while processing your card. Try again in a little bit.",
        "try_again_later",
        "96",
    ),
    "authentication_required": Decline(
        "authentication_required",
        "authentication_required",
        "Your card was declined. This transaction requires authentication.",
        "confirm_card_data",
        "1A",
    ),
    "authentication_failure": Decline(
        "payment_intent_authentication_failure",
        None,
        "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new "
        "PaymentMethod to attempt to fulfill this PaymentIntent again.",
    ),
    "debit_not_authorized": Decline(
        "debit_not_authorized",
        None,
        "The customer has notified their bank that this payment was unauthorized.",
    ),
    "account_closed": Decline("account_closed", None, "The customer's bank account has been closed."),
    "no_account": Decline("no_account", None, "The customer's bank account could not be located."),
    "bank_insufficient_funds": Decline(
        "insufficient_funds", None, "The customer's account has insufficient funds to cover this payment."
    ),
    "payment_method_failed": Decline(
        "payment_intent_payment_attempt_failed", "generic_decline", "The payment failed."
    ),
}

CARDS = {
    "pm_card_visa": Method(),
    "pm_card_visa_debit": Method(last4="5556", funding="debit"),
    "pm_card_mastercard": Method(brand="mastercard", last4="4444"),
    "pm_card_mastercard_debit": Method(brand="mastercard", last4="8210", funding="debit"),
    "pm_card_mastercard_prepaid": Method(brand="mastercard", last4="5100", funding="prepaid"),
    "pm_card_amex": Method(brand="amex", last4="8431"),
    "pm_card_discover": Method(brand="discover", last4="1117"),
    "pm_card_diners": Method(brand="diners", last4="0004"),
    "pm_card_jcb": Method(brand="jcb", last4="0505"),
    "pm_card_unionpay": Method(brand="unionpay", last4="0005"),
    "pm_card_us": Method(),
    "pm_card_gb": Method(last4="0000", country="GB"),
    "pm_card_de": Method(last4="0016", country="DE"),
    "pm_card_fr": Method(last4="0003", country="FR"),
    "pm_card_jp": Method(last4="0003", country="JP"),
    "pm_card_bypassPending": Method(last4="0077"),
    "pm_card_riskLevelElevated": Method(last4="9235"),
    "pm_card_threeDSecureOptional": Method(last4="3055"),
    "pm_card_chargeDeclined": Method(last4="0002", decline="generic_decline"),
    "pm_card_chargeDeclinedInsufficientFunds": Method(last4="9995", decline="insufficient_funds"),
    "pm_card_chargeDeclinedLostCard": Method(last4="9987", decline="lost_card"),
    "pm_card_chargeDeclinedStolenCard": Method(last4="9979", decline="stolen_card"),
    "pm_card_chargeDeclinedFraudulent": Method(last4="0019", decline="fraudulent"),
    "pm_card_radarBlock": Method(last4="0019", decline="fraudulent"),
    "pm_card_chargeDeclinedVelocityLimitExceeded": Method(last4="6975", decline="card_velocity_exceeded"),
    "pm_card_chargeDeclinedExpiredCard": Method(last4="0069", decline="expired_card"),
    "pm_card_chargeDeclinedIncorrectCvc": Method(last4="0127", decline="incorrect_cvc"),
    "pm_card_chargeDeclinedProcessingError": Method(last4="0119", decline="processing_error"),
    "pm_card_chargeCustomerFail": Method(last4="0341", decline="generic_decline"),
    "pm_card_authenticationRequired": Method(last4="3184", challenge=True),
    "pm_card_authenticationRequiredOnSetup": Method(last4="3155", challenge=True, until_set_up=True),
    "pm_card_threeDSecure2Required": Method(last4="3220", challenge=True),
    "pm_card_threeDSecureRequired": Method(last4="3063", challenge=True),
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": Method(
        last4="8260", challenge=True, decline="insufficient_funds"
    ),
    "pm_card_threeDSecureRequiredChargeDeclined": Method(
        last4="1629", challenge=True, decline="generic_decline"
    ),
    "pm_card_refundFail": Method(last4="5126", refund="fails_later"),
    "pm_card_pendingRefund": Method(last4="7726", refund="succeeds_later"),
    "pm_card_createDispute": Method(last4="0259", dispute="fraudulent"),
    "pm_card_createDisputeProductNotReceived": Method(last4="2685", dispute="product_not_received"),
    "pm_card_createDisputeInquiry": Method(last4="1976", dispute="fraudulent", inquiry=True),
}

SEPA_COUNTRIES = "at be hr ee fi fr de gi ie li lt lu nl no pt es se ch gb".split()


BANK = Method("us_bank_account", "", "6789", "checking", "US", settles="later")
SEPA_ACCOUNT = Method("sepa_debit", "", "3201", "", "DE", settles="later")

BANKS = {
    "pm_usBankAccount": BANK,
    "pm_usBankAccount_success": BANK,
    "pm_usBankAccount_accountClosed": BANK._replace(settle_failure="account_closed"),
    "pm_usBankAccount_noAccount": BANK._replace(settle_failure="no_account"),
    "pm_usBankAccount_insufficientFunds": BANK._replace(settle_failure="bank_insufficient_funds"),
    "pm_usBankAccount_debitNotAuthorized": BANK._replace(settle_failure="debit_not_authorized"),
    "pm_usBankAccount_processing": BANK._replace(settles="never"),
    "pm_usBankAccount_dispute": BANK._replace(dispute="bank_cannot_process"),
}
SEPA_BEHAVIOUR = {
    "success": SEPA_ACCOUNT,
    "successDelayed": SEPA_ACCOUNT._replace(settles="much_later"),
    "failed": SEPA_ACCOUNT._replace(settle_failure="payment_method_failed"),
    "failedDelayed": SEPA_ACCOUNT._replace(settles="much_later", settle_failure="payment_method_failed"),
    "insufficientFunds": SEPA_ACCOUNT._replace(settle_failure="bank_insufficient_funds"),
    "disputed": SEPA_ACCOUNT._replace(dispute="debit_not_authorized"),
}
SEPA = {
    f"pm_{name}_{country}": method._replace(country=country.upper())
    for country in SEPA_COUNTRIES
    for name, method in SEPA_BEHAVIOUR.items()
}
# The declining cards are published under two spellings.
ALIASES = {
    name.replace("pm_card_", "pm_card_visa_", 1): method
    for name, method in CARDS.items()
    if method.decline and name.startswith("pm_card_charge")
}
METHODS: dict[str, Method] = {**CARDS, **ALIASES, **BANKS, **SEPA}
# They can be attached to a customer although they decline when charged.
ATTACH_UNCHECKED = ("pm_card_chargeCustomerFail", "pm_card_radarBlock")
TYPES = ("card", "us_bank_account", "sepa_debit")


def card_error(name: str, extra: JSON) -> StripeError:
    """402 as Stripe words it for this decline."""
    decline = DECLINES[name]
    codes = {
        "decline_code": decline.decline_code,
        "advice_code": decline.advice,
        "network_decline_code": decline.network_code,
    }
    return StripeError(
        402, "card_error", decline.message, code=decline.code, should_retry=False, extra={**codes, **extra}
    )
