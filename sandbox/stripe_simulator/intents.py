"""PaymentIntents: create, update, confirm, retrieve, and the customer's authentication. Capture and cancel: `captures`."""

from __future__ import annotations

import re
from typing import NamedTuple

from . import charging
from .call import Call
from .change import Change
from .currencies import check_amount, check_currency
from .errors import StripeError, invalid, missing, no_such, unexpected_state
from .identity import new_id
from .methods import METHODS, TYPES
from .parameters import Parameters
from .records import Intent

CAPTURE_METHODS = ("automatic", "automatic_async", "manual")
DESCRIPTOR_MAX = 22  # characters of a statement descriptor. Source: docs.stripe.com/get-started/account/statement-descriptors
CUSTOMER = re.compile(r"^cus_\w+$")
CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
EDITABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
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


def read_create(p: Parameters) -> tuple[Intent, Confirmation | None]:
    """The intent that is asked for, not yet with an id, and how to confirm it at once if so asked."""
    amount = p.integer("amount")
    currency = check_currency(p.required("currency"))
    if amount is None:
        raise missing("amount")
    check_amount(amount, currency)
    types, redirects = _read_types(p)
    confirm = p.flag("confirm")
    confirmation = _read_confirmation(p)
    p.choice("confirmation_method", ("automatic", "manual"))
    blank = Intent(
        "", "", 0, 0, False, amount, currency,
        p.choice("capture_method", CAPTURE_METHODS) or "automatic_async",
        "requires_payment_method", None, None, types, redirects, _read_options(p),
        _without_empty(p.metadata() or {}), _read_details(p, confirmation.return_url),
        off_session=confirmation.off_session,
    )  # fmt: skip
    if not confirm:
        for name in ("off_session", "error_on_requires_action", "return_url"):
            if name in p.tree:
                raise invalid(
                    f"You cannot set `{name}` when creating a PaymentIntent without `confirm=true`.", name
                )
        return blank._replace(method=confirmation.method), None
    if confirmation.method is None:
        raise invalid(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
            "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a "
            "payment method or ConfirmationToken.",
            code="payment_intent_unexpected_state",
        )
    _check_return_url(redirects, confirmation)
    return blank, confirmation


def create(call: Call, read: tuple[Intent, Confirmation | None]) -> Intent | StripeError:
    blank, confirmation = read
    change = call.change
    fresh = blank._replace(
        id=new_id("payment_intent"),
        account=change.account,
        seq=change.books.next_seq(),
        created=int(change.now),
        livemode=change.livemode,
    )
    if blank.method is not None:
        fresh = with_method(change, fresh, blank.method)._replace(status="requires_confirmation")
    change.put(fresh)
    change.tell("payment_intent.created", fresh)
    return confirm_with(call, fresh, confirmation) if confirmation else fresh


def read_confirm(p: Parameters) -> Confirmation:
    p.choice("capture_method", CAPTURE_METHODS)
    p.email("receipt_email")
    _read_types(p)
    _read_options(p)
    return _read_confirmation(p)


def confirm(call: Call, read: Confirmation) -> Intent | StripeError:
    intent = call.change.intent(call.object_id, "intent")
    if intent.status not in CONFIRMABLE:
        raise unexpected_state(
            f"You cannot confirm this PaymentIntent because it has a status of {intent.status}. Only a PaymentIntent "
            f"with one of the following statuses may be confirmed: {', '.join(CONFIRMABLE)}.",
            intent=intent,
        )
    if read.method is None and (intent.method is None or intent.status == "requires_payment_method"):
        raise unexpected_state(
            "You cannot confirm this PaymentIntent because it's missing a payment method.",
            intent=intent,
        )
    _check_return_url(intent.redirects, read, intent.details.get("return_url"))
    return confirm_with(call, intent._replace(off_session=read.off_session), read)


def confirm_with(call: Call, intent: Intent, read: Confirmation) -> Intent | StripeError:
    if read.method is not None:
        intent = with_method(call.change, intent, read.method)
    if read.return_url:
        intent = intent._replace(details={**intent.details, "return_url": read.return_url})
    return charging.attempt(call.change, call.timing, intent, error_on_action=read.error_on_action)


def with_method(change: Change, intent: Intent, given: str) -> Intent:
    """A test token becomes a payment method of its own id, as Stripe makes one; such an id can be given again."""
    if given in METHODS:
        return intent._replace(method=given, method_id=new_id("payment_method"))
    token = change.books.methods.get(given)
    if token is None:
        raise no_such("PaymentMethod", given, "payment_method")
    return intent._replace(method=token, method_id=given)


def retrieve(call: Call, _: None) -> Intent:
    return call.change.intent(call.object_id, "intent")


def read_update(p: Parameters) -> Parameters:
    p.metadata()
    p.positive("amount")
    _read_details(p, None)
    return p


def update(call: Call, p: Parameters) -> Intent:
    intent = call.change.intent(call.object_id, "intent")
    given = p.metadata()
    changed = intent._replace(details={**intent.details, **_read_details(p, None)})
    if given is not None:  # an empty set clears, names are merged, an empty value deletes its name
        changed = changed._replace(metadata=_without_empty({**intent.metadata, **given}) if given else {})
    amount = p.positive("amount")
    if amount is not None:
        if intent.status not in EDITABLE:
            raise unexpected_state(f"You cannot change the amount in status {intent.status}.", intent=intent)
        changed = changed._replace(amount=check_amount(amount, intent.currency))
    call.change.put(changed)
    return changed


def authenticate(call: Call, succeeded: bool) -> Intent | StripeError:
    """The customer passes or fails the step that `requires_action` waits for."""
    intent = call.change.intent(call.object_id, "intent")
    if intent.status != "requires_action":
        raise unexpected_state(f"Nothing to authenticate: the status is {intent.status}.")
    if not succeeded:
        return charging.fail_authentication(call.change, intent)
    return charging.proceed(call.change, call.timing, intent)


def _read_types(p: Parameters) -> tuple[tuple[str, ...], str | None]:
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


def _read_confirmation(p: Parameters) -> Confirmation:
    off_session = p.tree.get("off_session")
    given = off_session in ("one_off", "recurring")
    p.asked.add("off_session")
    return Confirmation(
        p.text("payment_method"),
        True if given else p.flag("off_session"),
        p.flag("error_on_requires_action"),
        p.text("return_url"),
    )


def _check_return_url(redirects: str | None, read: Confirmation, known: str | None = None) -> None:
    if redirects == "always" and not (read.return_url or known):
        raise invalid(RETURN_URL_NEEDED, "return_url")


def _read_options(p: Parameters) -> bool:
    """Whether several captures were asked for; other options are accepted and not acted upon."""
    options = p.nested("payment_method_options")
    card = options.nested("card") if options else None
    return bool(card and card.choice("request_multicapture", ("if_available", "never")) == "if_available")


def _read_details(p: Parameters, return_url: str | None) -> dict[str, str]:
    customer = p.text("customer")
    if customer is not None and not CUSTOMER.match(customer):
        raise no_such("customer", customer, "customer")
    details = {
        "customer": customer,
        "description": p.text("description"),
        "receipt_email": p.email("receipt_email"),
        "statement_descriptor": p.text("statement_descriptor", DESCRIPTOR_MAX),
        "statement_descriptor_suffix": p.text("statement_descriptor_suffix", DESCRIPTOR_MAX),
        "setup_future_usage": p.choice("setup_future_usage", ("on_session", "off_session")),
        "transfer_group": p.text("transfer_group"),
        "return_url": return_url,
    }
    return {name: value for name, value in details.items() if value is not None}


def _without_empty(metadata: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in metadata.items() if value != ""}
