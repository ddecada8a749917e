"""Payment methods as Stripe's JSON: on their own, on a charge, and what the network said. Field lists only."""

from __future__ import annotations

from .methods import DECLINES, METHODS
from .records import JSON, Charge, Intent, Record

ADDRESS: JSON = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
BILLING: JSON = {"address": ADDRESS, "email": None, "name": None, "phone": None, "tax_id": None}


def payment_method(intent: Intent) -> JSON:
    """The intent's payment method as an object of its own."""
    method = METHODS[intent.method or "pm_card_visa"]
    shown: JSON = {
        "id": intent.method_id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": BILLING,
        "created": intent.created,
        "customer": intent.details.get("customer"),
        "livemode": intent.livemode,
        "metadata": {},
        "type": method.type,
    }
    card: JSON = {"brand": method.brand, "country": method.country, "exp_month": 12, "exp_year": 2034}
    shown[method.type] = (
        {**card, "funding": method.funding, "last4": method.last4}
        if method.type == "card"
        else {
            "country": method.country,
            "last4": method.last4,
        }
    )
    return shown


def outcome(charge: Charge) -> JSON:
    decline = DECLINES[charge.failure] if charge.failure else None
    return {
        "advice_code": decline.advice if decline else None,
        "network_advice_code": None,
        "network_decline_code": decline.network_code if decline else None,
        "network_status": "declined_by_network" if decline else "approved_by_network",
        "reason": (decline.decline_code or decline.code) if decline else None,
        "risk_level": "normal",
        "risk_score": 20,
        "seller_message": "The bank returned a decline." if decline else "Payment complete.",
        "type": "issuer_declined" if decline else "authorized",
    }


def method_details(charge: Charge, intent: Record | None) -> JSON:
    method = METHODS[charge.method]
    if method.type != "card":
        return {"type": method.type, method.type: {"last4": method.last4, "country": method.country}}
    several = isinstance(intent, Intent) and intent.multicapture
    card: JSON = {
        "amount_authorized": charge.amount,
        "authorization_code": "068371",
        "brand": method.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": method.country,
        "exp_month": 12,
        "exp_year": 2034,
        "extended_authorization": {"status": "disabled"},
        "fingerprint": f"fp{method.brand}{method.last4}",
        "funding": method.funding,
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "last4": method.last4,
        "mandate": None,
        "multicapture": {"status": "available" if several else "unavailable"},
        "network": method.brand,
        "network_token": {"used": False},
        "overcapture": {"maximum_amount_capturable": charge.amount, "status": "unavailable"},
        "three_d_secure": None,
        "wallet": None,
    }
    if charge.capture_before is not None:
        card["capture_before"] = charge.capture_before
    return {"card": card, "type": "card"}
