"""PaymentMethods that outlive a payment: found again, kept for their customer, refused to others. No endpoint here.

A method that only paid has no record: it is found again through its intent.
"""

from __future__ import annotations

from .change import Change
from .errors import invalid, no_such
from .identity import new_id
from .methods import ATTACH_UNCHECKED, METHODS, card_error
from .records import Charge, Customer, Intent, SavedMethod

USED_UP = (
    "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a "
    "connected account without Customer attachment, or was detached from a Customer. It may not be used again. To use "
    "a PaymentMethod multiple times, you must attach it to a Customer first."
)


def find(change: Change, given: str, param: str | None = None) -> SavedMethod:
    """This account's method of that id. A test token is a new method each time, as Stripe makes one."""
    if given in METHODS:
        return made(change, given)
    record = change.get(given)
    if isinstance(record, SavedMethod) and record.account == change.account:
        return record
    found = _through_intent(change, given)
    if found is None:
        raise no_such("PaymentMethod", given, param)
    return found


def check_owner(intent: Intent, method: SavedMethod, known: Intent | None) -> None:
    """A saved method pays for its own customer only. `known`: the intent as it stood before, to show in the error."""
    customer, extra = intent.details.get("customer"), {"payment_intent": known}
    if method.detached:
        raise invalid(USED_UP, "payment_method", extra=extra)
    if method.customer is None or method.customer == customer:
        return
    if customer is None:
        raise invalid(
            f"The `payment_method` parameter supplied {method.id} belongs to the Customer {method.customer}. Please "
            "include the Customer in the `customer` parameter on the PaymentIntent.",
            "source",  # so it is: seen in recorded answers of Stripe's
            "parameter_missing",
            extra,
        )
    raise invalid(
        f"The PaymentMethod {method.id} does not belong to the Customer you supplied {customer}. Please use this "
        "PaymentMethod with the Customer that it belongs to instead.",
        "payment_method",
        extra=extra,
    )


def keep_for_later(change: Change, intent: Intent) -> None:
    """After a payment with `setup_future_usage`: the method is its customer's from now on."""
    usage, customer = intent.details.get("setup_future_usage"), intent.details.get("customer", "")
    if usage is None or not isinstance(change.get(customer), Customer):
        return
    assert intent.method is not None and intent.method_id is not None
    record = change.get(intent.method_id)
    method = record if isinstance(record, SavedMethod) else made(change, intent.method, intent.method_id)
    attached = method._replace(customer=customer, set_up=method.set_up or usage == "off_session")
    change.put(attached)
    if method.customer is None:
        change.tell("payment_method.attached", attached)


def attach_to(change: Change, customer: Customer, given: str, param: str | None = None) -> SavedMethod:
    """The bank is asked: a card that declines is not attached. Source: docs.stripe.com/testing ("Declined payments")."""
    method = find(change, given, param)
    if method.detached:
        raise invalid(USED_UP, "payment_method")
    if method.customer is not None:
        raise invalid("The payment method you provided has already been attached to a customer.")
    card = METHODS[method.token]
    if card.decline and not card.challenge and method.token not in ATTACH_UNCHECKED:
        raise card_error(card.decline, {})
    attached = method._replace(customer=customer.id)
    change.put(attached)
    change.tell("payment_method.attached", attached)
    return attached


def release(change: Change, method: SavedMethod) -> SavedMethod:
    detached = method._replace(customer=None, detached=True)
    change.put(detached)
    change.tell("payment_method.detached", detached, {"customer": method.customer})
    return detached


def made(change: Change, token: str, id: str | None = None) -> SavedMethod:
    return SavedMethod(
        id or new_id("payment_method"),
        change.account,
        change.books.next_seq(),
        int(change.now),
        change.livemode,
        token,
        None,
        {},
        {},
    )


def _through_intent(change: Change, given: str) -> SavedMethod | None:
    """One that paid, or tried to."""
    intent = change.get(change.books.methods.get(given, ""))
    if not isinstance(intent, Intent) or intent.account != change.account:
        return None
    charges = [change.get(charge_id) for charge_id in intent.charges]
    tokens = [charge.method for charge in charges if isinstance(charge, Charge) and charge.method_id == given]
    token = intent.method if intent.method_id == given else tokens[0] if tokens else None
    return made(change, token, given)._replace(created=intent.created) if token else None
