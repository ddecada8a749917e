"""PaymentIntents: create, update, confirm, retrieve, and the customer's authentication. Capture and cancel: `captures`."""

from __future__ import annotations

from . import charging, customers, saved_methods
from .call import Call
from .change import Change
from .currencies import check_amount, check_currency
from .errors import StripeError, invalid, missing, unexpected_state
from .identity import new_id
from .intent_parameters import (
    CAPTURE_METHODS,
    Confirmation,
    check_return_url,
    read_confirmation,
    read_details,
    read_options,
    read_types,
)
from .methods import METHODS
from .parameters import Parameters, merged
from .records import Intent

CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
EDITABLE = ("requires_payment_method", "requires_confirmation", "requires_action")


def read_create(p: Parameters) -> tuple[Intent, Confirmation | None]:
    """The intent that is asked for, not yet with an id, and how to confirm it at once if so asked."""
    amount = p.integer("amount")
    currency = check_currency(p.required("currency"))
    if amount is None:
        raise missing("amount")
    check_amount(amount, currency)
    types, redirects = read_types(p)
    confirm = p.flag("confirm")
    confirmation = read_confirmation(p)
    p.choice("confirmation_method", ("automatic", "manual"))
    blank = Intent(
        "", "", 0, 0, False, amount, currency,
        p.choice("capture_method", CAPTURE_METHODS) or "automatic_async",
        "requires_payment_method", None, None, types, redirects, read_options(p),
        merged({}, p.metadata()), read_details(p, confirmation.return_url),
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
    check_return_url(redirects, confirmation)
    return blank, confirmation


def create(call: Call, read: tuple[Intent, Confirmation | None]) -> Intent | StripeError:
    blank, confirmation = read
    change = call.change
    customers.check_known(change, blank.details.get("customer"))
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
    read_types(p)
    read_options(p)
    return read_confirmation(p)


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
    check_return_url(intent.redirects, read, intent.details.get("return_url"))
    return confirm_with(call, intent._replace(off_session=read.off_session), read)


def confirm_with(call: Call, intent: Intent, read: Confirmation) -> Intent | StripeError:
    if read.method is not None:
        intent = with_method(call.change, intent, read.method)
    elif intent.method_id in call.change.books.objects:  # a saved one may have been detached meanwhile
        intent = with_method(call.change, intent, intent.method_id)
    if read.return_url:
        intent = intent._replace(details={**intent.details, "return_url": read.return_url})
    if read.setup:
        intent = intent._replace(details={**intent.details, "setup_future_usage": read.setup})
    return charging.attempt(call.change, call.timing, intent, error_on_action=read.error_on_action)


def with_method(change: Change, intent: Intent, given: str) -> Intent:
    """A test token becomes a payment method of its own id, as Stripe makes one; such an id can be given again."""
    if given in METHODS:
        chosen = intent._replace(method=given, method_id=new_id("payment_method"))
    else:
        method = saved_methods.find(change, given, "payment_method")
        known = change.books.get(intent.id)
        saved_methods.check_owner(intent, method, known if isinstance(known, Intent) else None)
        chosen = intent._replace(method=method.token, method_id=given)
    charging.check_fit(chosen, charging.method_of(chosen))
    return chosen


def retrieve(call: Call, _: None) -> Intent:
    return call.change.intent(call.object_id, "intent")


def read_update(p: Parameters) -> Parameters:
    p.metadata()
    p.positive("amount")
    read_details(p, None)
    return p


def update(call: Call, p: Parameters) -> Intent:
    intent = call.change.intent(call.object_id, "intent")
    details = {**intent.details, **read_details(p, None)}
    customers.check_known(call.change, details.get("customer"))
    changed = intent._replace(details=details, metadata=merged(intent.metadata, p.metadata()))
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
