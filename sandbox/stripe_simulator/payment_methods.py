"""PaymentMethods as objects of their own: made from a test token, looked at, attached to a customer, detached.

What a saved method means for a payment: `saved_methods`. What a method does when charged: `methods`.
Source: docs.stripe.com/api/payment_methods.
"""

from __future__ import annotations

from typing import NamedTuple

from . import saved_methods
from .call import Call
from .errors import StripeError, invalid, missing, no_such
from .listing import Item, Page
from .methods import METHODS, TYPES
from .parameters import Parameters
from .records import JSON, SavedMethod

RAW_CARD = (
    "Sending credit card numbers directly to the Stripe API is generally unsafe. We suggest you use test tokens that "
    "map to the test card you are using, see https://stripe.com/docs/testing."
)


class New(NamedTuple):
    token: str
    metadata: dict[str, str]
    billing: JSON


def read_create(p: Parameters) -> New:
    type = p.choice("type", TYPES)
    if type is None:
        raise missing("type")
    if type != "card":
        raise invalid(
            f"This simulator makes no {type} here: use a test method such as pm_usBankAccount_success.",
            "type",
        )
    return New(_read_card(p), p.metadata() or {}, _read_billing(p))


def create(call: Call, new: New) -> SavedMethod:
    made = saved_methods.made(call.change, new.token)._replace(metadata=new.metadata, billing=new.billing)
    call.change.put(made)
    return made


def retrieve(call: Call, _: None) -> SavedMethod:
    """Of a test token: a new method, which is then there to stay."""
    found = saved_methods.find(call.change, call.object_id)
    if call.object_id in METHODS:
        call.change.put(found)
    return found


def read_attach(p: Parameters) -> str:
    return p.required("customer")


def attach(call: Call, customer: str) -> SavedMethod:
    return saved_methods.attach_to(call.change, call.change.customer(customer, "customer"), call.object_id)


def detach(call: Call, _: None) -> SavedMethod:
    method = saved_methods.find(call.change, call.object_id)
    if method.customer is None:
        raise invalid(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
            "payment_method",
        )
    return saved_methods.release(call.change, method)


def wanted(item: Item, page: Page) -> bool:
    assert isinstance(item, SavedMethod)
    customer, type = page.filters.get("customer"), page.filters.get("type")
    return customer in (None, item.customer) and type in (None, METHODS[item.token].type)


def _read_card(p: Parameters) -> str:
    card = p.nested("card")
    if card is None:
        raise missing("card")
    if "number" in card.tree:
        raise StripeError(402, "invalid_request_error", RAW_CARD)
    given = card.required("token")
    token = "pm_card_" + given.removeprefix("tok_")
    if not given.startswith("tok_") or token not in METHODS:
        raise no_such("token", given, "card[token]")
    return token


def _read_billing(p: Parameters) -> JSON:
    billing = p.nested("billing_details")
    if billing is None:
        return {}
    texts = {name: billing.text(name) for name in ("email", "name", "phone", "tax_id")}
    address = billing.nested("address")
    given: JSON = {name: text for name, text in texts.items() if text is not None}
    return {**given, "address": address.tree} if address else given
