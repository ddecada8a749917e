"""What a call becomes on the wire: path and parameters, made from the call alone. Nothing is sent here.

The same call gives the same parameters in the same order, on every send and in every process: Stripe refuses a key that
comes back with others. So nothing here reads a clock, a setting that may change between two sends, or anything but the
call. A golden file in the tests holds the bytes; a change that moves it strands the calls that are open while it is rolled out.
"""

import re
from dataclasses import dataclass
from typing import Any

from models.errors import InvariantBroken
from models.provider import (
    CancelIntent,
    CaptureIntent,
    CreateIntent,
    PspCall,
    ReadIntent,
    RefundIntent,
    ScreenCustomer,
)
from models.terms import CaptureMethod, PaymentTerms
from streams.adapters.stripe_objects import MERCHANT_NAME, PAYMENT_ID_NAME, REFUND_ID_NAME

STRIPE_METADATA_MAX = 50
"""Names on one object. Source: Stripe, metadata."""
USER_METADATA_MAX = STRIPE_METADATA_MAX - 2
"""What is left for the merchant beside `payment_id` and `merchant`."""

CANCELLATION_REASONS = frozenset({"duplicate", "fraudulent", "requested_by_customer", "abandoned"})
REFUND_REASONS = frozenset({"duplicate", "fraudulent", "requested_by_customer"})
"""What Stripe takes as a reason; any other is ours alone. Source: Stripe, cancel a payment intent; create a refund."""

INTENT_ID = re.compile(r"pi_\w{1,250}", re.ASCII)

Parameters = dict[str, Any]


class Unsendable(Exception):
    """The call breaks a limit of Stripe's that can be told without asking: it was not sent and never will be."""


@dataclass(frozen=True, slots=True)
class Request:
    path: str
    parameters: Parameters


def request_of(call: PspCall, multicapture: bool) -> Request:
    """`multicapture`: ask for several captures where the payment is captured by hand; the account must be allowed them."""
    match call.ask:
        case CreateIntent():
            return Request("/v1/payment_intents", _create(call, call.ask, multicapture))
        case CaptureIntent(intent, amount_minor, final):
            parameters: Parameters = {"amount_to_capture": amount_minor, "expand": ["latest_charge"]}
            if not final:
                parameters["final_capture"] = False
            return Request(f"{intent_path(intent)}/capture", parameters)
        case CancelIntent(intent, reason):
            parameters = {"expand": ["latest_charge"]}
            if reason in CANCELLATION_REASONS:
                parameters["cancellation_reason"] = reason
            return Request(f"{intent_path(intent)}/cancel", parameters)
        case RefundIntent():
            return Request("/v1/refunds", _refund(call, call.ask))
        case ReadIntent() | ScreenCustomer():
            raise InvariantBroken(f"{call.key} is nothing to POST")


def intent_path(intent: str) -> str:
    if not INTENT_ID.fullmatch(intent):
        raise InvariantBroken("a payment intent's id is not one of Stripe's")
    return f"/v1/payment_intents/{intent}"


def _create(call: PspCall, ask: CreateIntent, multicapture: bool) -> Parameters:
    terms = ask.terms
    manual = terms.capture_method is CaptureMethod.MANUAL
    optional = {
        "description": terms.description,
        "customer": terms.customer,
        "receipt_email": terms.receipt_email,
        "statement_descriptor_suffix": terms.statement_descriptor_suffix,
        "return_url": terms.return_url,
        "off_session": True if terms.off_session else None,
        "payment_method_options": {"card": {"request_multicapture": "if_available"}}
        if manual and multicapture
        else None,
    }
    return {
        "amount": terms.money.amount_minor,
        "currency": terms.money.currency,
        "payment_method": terms.payment_method,
        "confirm": True,
        "capture_method": terms.capture_method.value,
        **_methods(ask),
        **{name: value for name, value in optional.items() if value is not None},
        "metadata": _create_metadata(call, terms),
        "expand": ["latest_charge"],
    }


def _methods(ask: CreateIntent) -> Parameters:
    """What the merchant takes, or all that the account does. Without an address to come back to, a method that sends the
    customer away cannot end: Stripe refuses the call.
    """
    if ask.payment_method_types is not None:
        return {"payment_method_types": list(ask.payment_method_types)}
    redirects = "always" if ask.terms.return_url else "never"
    return {"automatic_payment_methods": {"enabled": True, "allow_redirects": redirects}}


def _create_metadata(call: PspCall, terms: PaymentTerms) -> dict[str, str]:
    ours = {PAYMENT_ID_NAME: call.payment_id, MERCHANT_NAME: call.merchant}
    users = {name: terms.metadata[name] for name in sorted(terms.metadata) if name not in ours}
    if len(users) > USER_METADATA_MAX:
        raise Unsendable(f"more than {USER_METADATA_MAX} names of metadata")
    if any("[" in name or "]" in name for name in users):
        raise Unsendable("a name of metadata holds a bracket")
    return users | ours


def _refund(call: PspCall, ask: RefundIntent) -> Parameters:
    parameters: Parameters = {"payment_intent": ask.intent, "amount": ask.amount_minor}
    if ask.reason in REFUND_REASONS:
        parameters["reason"] = ask.reason
    metadata = {PAYMENT_ID_NAME: call.payment_id, REFUND_ID_NAME: ask.refund_id, MERCHANT_NAME: call.merchant}
    return parameters | {"metadata": metadata}
