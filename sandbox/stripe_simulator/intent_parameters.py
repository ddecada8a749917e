"""What the requests about PaymentIntents have in common, read and checked. Nothing is looked up or changed here."""

from __future__ import annotations

import re
from typing import NamedTuple

from .errors import invalid, no_such
from .methods import TYPES
from .parameters import Parameters

SETUPS = ("on_session", "off_session")
CAPTURE_METHODS = ("automatic", "automatic_async", "manual")
DESCRIPTOR_MAX = 22  # characters of a statement descriptor. Source: docs.stripe.com/get-started/account/statement-descriptors
CUSTOMER = re.compile(r"^cus_\w+$")
RETURN_URL_NEEDED = (
    "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these "
    "payment methods might redirect your customer off of your page, you must provide a `return_url`. If you don't "
    "want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and "
    "`automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents."
)


class Confirmation(NamedTuple):
    method: str | None
    off_session: bool
    error_on_action: bool
    return_url: str | None
    setup: str | None  # setup_future_usage


def read_types(p: Parameters) -> tuple[tuple[str, ...], str | None]:
    """Without types, Stripe decides by itself (since API version 2023-08-16) and may redirect."""
    allowed = p.texts("allowed_payment_method_types")  # its name since API version 2026-10-28
    types = p.texts("payment_method_types") if allowed is None else allowed
    automatic = p.nested("automatic_payment_methods")
    enabled = automatic.flag("enabled") if automatic else types is None
    redirects = (automatic.choice("allow_redirects", ("always", "never")) if automatic else None) or "always"
    if automatic:
        automatic.close()
    if types is not None and enabled and allowed is None:
        raise invalid(
            "You may only specify one of these parameters: automatic_payment_methods, payment_method_types.",
            "payment_method_types",
        )
    for name in types or ():
        if name not in TYPES:
            raise invalid(f"The payment method type provided: {name} is invalid.", "payment_method_types")
    return (tuple(types), None) if types else (TYPES, redirects if enabled else "never")


def read_confirmation(p: Parameters) -> Confirmation:
    off_session = p.tree.get("off_session")
    given = off_session in ("one_off", "recurring")
    p.asked.add("off_session")
    return Confirmation(
        p.text("payment_method"),
        True if given else p.flag("off_session"),
        p.flag("error_on_requires_action"),
        p.text("return_url"),
        p.choice("setup_future_usage", SETUPS),
    )


def check_return_url(redirects: str | None, read: Confirmation, known: str | None = None) -> None:
    if redirects == "always" and not (read.return_url or known):
        raise invalid(RETURN_URL_NEEDED, "return_url")


def read_options(p: Parameters) -> bool:
    """Whether several captures were asked for; other options are accepted and not acted upon."""
    options = p.nested("payment_method_options")
    card = options.nested("card") if options else None
    return bool(card and card.choice("request_multicapture", ("if_available", "never")) == "if_available")


def read_details(p: Parameters, return_url: str | None) -> dict[str, str]:
    customer = p.text("customer")
    if customer is not None and not CUSTOMER.match(customer):
        raise no_such("customer", customer, "customer")
    details = {
        "customer": customer,
        "description": p.text("description"),
        "receipt_email": p.email("receipt_email"),
        "statement_descriptor": p.text("statement_descriptor", DESCRIPTOR_MAX),
        "statement_descriptor_suffix": p.text("statement_descriptor_suffix", DESCRIPTOR_MAX),
        "setup_future_usage": p.choice("setup_future_usage", SETUPS),
        "transfer_group": p.text("transfer_group"),
        "return_url": return_url,
    }
    return {name: value for name, value in details.items() if value is not None}
