"""Payment methods as Stripe's JSON: on their own, on a charge, and what the network said; and customers. Field lists only."""

from __future__ import annotations

from .methods import DECLINES, METHODS
from .records import JSON, Charge, Customer, Intent, Record, SavedMethod

ADDRESS: JSON = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
INVOICE_SETTINGS: JSON = dict.fromkeys(("custom_fields", "footer", "rendering_options"))
BILLING: JSON = {"address": ADDRESS, "email": None, "name": None, "phone": None, "tax_id": None}


def payment_method(intent: Intent) -> JSON:
    """The intent's payment method, where nobody has made an object of it."""
    token = intent.method or "pm_card_visa"
    return _method(str(intent.method_id), intent.created, intent.livemode, token)


def saved_method(saved: SavedMethod) -> JSON:
    shown = _method(saved.id, saved.created, saved.livemode, saved.token)
    billing = {**BILLING, **saved.billing, "address": {**ADDRESS, **saved.billing.get("address", {})}}
    return {**shown, "billing_details": billing, "customer": saved.customer, "metadata": saved.metadata}


def _method(id: str, created: int, livemode: bool, token: str) -> JSON:
    method = METHODS[token]
    kind: JSON = {"country": method.country, "last4": method.last4}
    if method.type == "card":
        kind |= {
            "brand": method.brand,
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "display_brand": method.brand,
            "exp_month": 12,
            "exp_year": 2034,
            "fingerprint": f"fp{method.brand}{method.last4}",
            "funding": method.funding,
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        }
    return {
        "id": id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": BILLING,
        method.type: kind,
        "created": created,
        "customer": None,
        "livemode": livemode,
        "metadata": {},
        "type": method.type,
    }


def customer(customer: Customer) -> JSON:
    """Of a deleted one only that it is deleted. Source: docs.stripe.com/api/customers/object."""
    if customer.deleted:
        return {"id": customer.id, "object": "customer", "deleted": True}
    details = customer.details
    default = details.get("default_payment_method")
    settings: JSON = {**INVOICE_SETTINGS, "default_payment_method": default}
    return {
        "id": customer.id,
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": customer.created,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": details.get("description"),
        "discount": None,
        "email": details.get("email"),
        "invoice_prefix": customer.id[-8:].upper(),
        "invoice_settings": settings,
        "livemode": customer.livemode,
        "metadata": customer.metadata,
        "name": details.get("name"),
        "next_invoice_sequence": 1,
        "phone": details.get("phone"),
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }


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
