"""Records as Stripe's JSON, API version 2026-10-28. Field lists only; no decisions.

Source: docs.stripe.com/api/payment_intents/object, charges/object, events/object. The others: `render_money`, `render_methods`.
"""

from __future__ import annotations

from .books import Books
from .identity import client_secret, transaction_id
from .methods import DECLINES, METHODS
from .records import JSON, Charge, Customer, Dispute, Event, Intent, Record, Refund, SavedMethod, Transaction
from .render_methods import BILLING, customer, method_details, outcome, payment_method, saved_method
from .render_money import dispute, refund, transaction

API_VERSION = "2026-10-28.endive"
CARD_OPTIONS: JSON = {
    "card": {
        "installments": None,
        "mandate_options": None,
        "network": None,
        "request_three_d_secure": "automatic",
    }
}
INTENT_NULLS: JSON = dict.fromkeys(
    (
        "application", "application_fee_amount", "excluded_payment_method_types", "on_behalf_of",
        "payment_method_configuration_details", "processing", "review", "shipping", "source", "transfer_data",
    )
)  # fmt: skip
CHARGE_NULLS: JSON = dict.fromkeys(
    (
        "application", "application_fee", "application_fee_amount", "failure_balance_transaction", "on_behalf_of",
        "receipt_number", "review", "shipping", "source", "source_transfer", "transfer_data",
    )
)  # fmt: skip


class Renderer:
    """Shows records; `get` finds the ones they refer to, `url` is where a customer can authenticate."""

    def __init__(self, books: Books, url: str) -> None:
        self.get, self.connected = books.get, books.connected
        self.url = url

    def show(self, record: Record) -> JSON:
        if isinstance(record, Intent):
            return self.intent(record)
        if isinstance(record, Charge):
            return self.charge(record)
        match record:
            case Refund():
                return refund(record)
            case Dispute():
                return dispute(record, self.get)
            case Transaction():
                return transaction(record, self.get)
            case Customer():
                return customer(record)
            case SavedMethod():
                return saved_method(record)

    def method_of(self, intent: Intent) -> JSON:
        saved = self.get(intent.method_id or "")
        return saved_method(saved) if isinstance(saved, SavedMethod) else payment_method(intent)

    def intent(self, intent: Intent) -> JSON:
        details = intent.details
        return {
            "id": intent.id,
            "object": "payment_intent",
            "amount": intent.amount,
            "amount_capturable": intent.amount_capturable,
            "amount_details": {"tip": {}},
            "amount_received": intent.amount_received,
            "allowed_payment_method_types": None if intent.redirects else intent.method_types,
            "automatic_payment_methods": {"allow_redirects": intent.redirects, "enabled": True}
            if intent.redirects
            else None,
            "canceled_at": intent.canceled_at,
            "cancellation_reason": intent.cancellation_reason,
            "capture_method": intent.capture_method,
            "client_secret": client_secret(intent.id),
            "confirmation_method": "automatic",
            "created": intent.created,
            "currency": intent.currency,
            "customer": details.get("customer"),
            "description": details.get("description"),
            "last_payment_error": self._last_error(intent),
            "latest_charge": intent.charges[-1] if intent.charges else None,
            "livemode": intent.livemode,
            "metadata": intent.metadata,
            "next_action": self._next_action(intent),
            "payment_method": None if intent.status == "requires_payment_method" else intent.method_id,
            "payment_method_options": CARD_OPTIONS,
            "payment_method_types": intent.method_types,
            "receipt_email": details.get("receipt_email"),
            "setup_future_usage": details.get("setup_future_usage"),
            "statement_descriptor": details.get("statement_descriptor"),
            "statement_descriptor_suffix": details.get("statement_descriptor_suffix"),
            "status": intent.status,
            "transfer_group": details.get("transfer_group"),
            **INTENT_NULLS,
        }

    def charge(self, charge: Charge) -> JSON:
        intent = self.get(charge.intent)
        details = intent.details if isinstance(intent, Intent) else {}
        decline = DECLINES[charge.failure] if charge.failure else None
        suffix = details.get("statement_descriptor_suffix")
        return {
            "id": charge.id,
            "object": "charge",
            "amount": charge.amount,
            "amount_captured": charge.amount_captured,
            "amount_refunded": charge.amount_refunded,
            "balance_transaction": transaction_id(charge.id) if charge.captured else None,
            "billing_details": BILLING,
            "calculated_statement_descriptor": "MILLRACE" + (f"* {suffix}" if suffix else ""),
            "captured": charge.captured,
            "created": charge.created,
            "currency": charge.currency,
            "customer": details.get("customer"),
            "description": details.get("description"),
            "disputed": charge.disputed,
            "failure_code": decline.code if decline else None,
            "failure_message": decline.message if decline else None,
            "fraud_details": {},
            "livemode": charge.livemode,
            "metadata": intent.metadata if isinstance(intent, Intent) else {},
            "outcome": outcome(charge),
            "paid": charge.status == "succeeded",
            "payment_intent": charge.intent,
            "payment_method": charge.method_id,
            "payment_method_details": method_details(charge, intent),
            "radar_options": {},
            "receipt_email": details.get("receipt_email"),
            "receipt_url": f"{self.url}/_sim/receipts/{charge.id}" if charge.status == "succeeded" else None,
            "refunded": charge.released or 0 < charge.amount_captured == charge.amount_refunded,
            "statement_descriptor": details.get("statement_descriptor"),
            "statement_descriptor_suffix": suffix,
            "status": charge.status,
            "transfer_group": details.get("transfer_group"),
            **CHARGE_NULLS,
        }

    def event(self, event: Event, pending_webhooks: int) -> JSON:
        data: JSON = {"object": self.show(event.snapshot)}
        if event.previous is not None:
            data["previous_attributes"] = event.previous
        return {
            "id": event.id,
            "object": "event",
            "api_version": API_VERSION,
            "created": event.created,
            "data": data,
            "livemode": event.livemode,
            "pending_webhooks": pending_webhooks,
            "request": {"id": event.request_id, "idempotency_key": event.key},
            "type": event.type,
            # Source: docs.stripe.com/connect/webhooks: whose it is, where it is not the endpoint's own account
            **({"account": event.account} if event.account in self.connected else {}),
        }

    def _last_error(self, intent: Intent) -> JSON | None:
        if intent.failure is None:
            return None
        decline = DECLINES[intent.failure]
        bank = METHODS[intent.method].type != "card" if intent.method else False
        error: JSON = {
            "advice_code": decline.advice,
            "charge": intent.charges[-1] if intent.charges else None,
            "code": decline.code,
            "decline_code": decline.decline_code,
            "doc_url": f"https://stripe.com/docs/error-codes/{decline.code.replace('_', '-')}",
            "message": decline.message,
            "network_decline_code": decline.network_code,
            "payment_method": self.method_of(intent) if intent.method_id else None,
            "type": "invalid_request_error"
            if bank or intent.failure == "authentication_failure"
            else "card_error",
        }
        return {name: value for name, value in error.items() if value is not None}

    def _next_action(self, intent: Intent) -> JSON | None:
        if intent.next_action is None:
            return None
        url = f"{self.url}/_sim/authenticate/{intent.id}"
        if intent.next_action == "redirect_to_url":
            there = {"return_url": intent.details.get("return_url"), "url": url}
            return {"redirect_to_url": there, "type": "redirect_to_url"}
        sdk = {"type": "three_d_secure_redirect", "source": f"src_{intent.id[3:]}", "stripe_js": url}
        return {"type": "use_stripe_sdk", "use_stripe_sdk": sdk}


def page(url: str, items: list[JSON], has_more: bool, object: str = "list") -> JSON:
    return {"object": object, "data": items, "has_more": has_more, "url": url}
