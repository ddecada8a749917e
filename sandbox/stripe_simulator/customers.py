"""Customers, as far as payments with a saved method need them. Subscriptions, invoices and tax are not simulated.

Source: docs.stripe.com/api/customers.
"""

from __future__ import annotations

from typing import NamedTuple

from . import saved_methods
from .call import Call
from .change import Change
from .errors import no_such
from .identity import new_id
from .listing import Item, Page
from .parameters import Parameters, merged
from .records import JSON, Customer, SavedMethod

TEXTS = ("name", "phone", "description")


class Asked(NamedTuple):
    details: dict[str, str]  # an empty text clears
    metadata: dict[str, str] | None
    payment_method: str | None


def read(p: Parameters) -> Asked:
    details = {name: p.text(name) or "" for name in TEXTS if name in p.tree}
    if "email" in p.tree:
        details["email"] = p.email("email") or ""
    settings = p.nested("invoice_settings")
    if settings and "default_payment_method" in settings.tree:
        details["default_payment_method"] = settings.text("default_payment_method") or ""
    if settings:
        settings.close()
    return Asked(details, p.metadata(), p.text("payment_method"))


def create(call: Call, asked: Asked) -> Customer:
    change = call.change
    customer = Customer(
        new_id("customer"), change.account, change.books.next_seq(), int(change.now), change.livemode, {}, {}
    )
    customer = _with(change, customer, asked)
    change.put(customer)
    change.tell("customer.created", customer)
    return customer


def retrieve(call: Call, _: None) -> Customer:
    """A deleted one too: it says that it is deleted, and no more."""
    found = call.change.get(call.object_id)
    if isinstance(found, Customer) and found.account == call.change.account and found.deleted:
        return found
    return call.change.customer(call.object_id)


def update(call: Call, asked: Asked) -> Customer:
    before = call.change.customer(call.object_id)
    customer = _with(call.change, before, asked)
    call.change.put(customer)
    call.change.tell("customer.updated", customer, _previous(before, customer))
    return customer


def delete(call: Call, _: None) -> Customer:
    """For good; its methods may not be used again."""
    change = call.change
    customer = change.customer(call.object_id)
    for method in _methods_of(change, customer):
        saved_methods.release(change, method)
    change.put(customer)  # the event shows it as it was
    change.tell("customer.deleted", customer)
    deleted = customer._replace(deleted=True)
    change.put(deleted)
    return deleted


def check_known(change: Change, customer: str | None) -> None:
    """A payment's customer. One that this simulator never made is let pass, so that a test needs not make it first."""
    found = change.get(customer) if customer else None
    if isinstance(found, Customer) and (found.deleted or found.account != change.account):
        raise no_such("customer", found.id, "customer")


def wanted(item: Item, page: Page) -> bool:
    assert isinstance(item, Customer)
    return not item.deleted and page.filters.get("email") in (None, item.details.get("email"))


def _with(change: Change, customer: Customer, asked: Asked) -> Customer:
    customer = customer._replace(
        metadata=merged(customer.metadata, asked.metadata),
        details={name: text for name, text in {**customer.details, **asked.details}.items() if text},
    )
    default = asked.details.get("default_payment_method")
    if asked.payment_method:
        attached = saved_methods.attach_to(change, customer, asked.payment_method, "payment_method")
        if default == asked.payment_method:
            customer = customer._replace(details={**customer.details, "default_payment_method": attached.id})
            default = None
    if default:
        _check_own(change, customer, default)
    return customer


def _check_own(change: Change, customer: Customer, method_id: str) -> None:
    method = change.get(method_id)
    if not isinstance(method, SavedMethod) or method.customer != customer.id:
        raise no_such("PaymentMethod", method_id, "invoice_settings[default_payment_method]")


def _methods_of(change: Change, customer: Customer) -> list[SavedMethod]:
    found = (change.get(method_id) for method_id in change.books.ids(change.account, "pm"))
    return [method for method in found if isinstance(method, SavedMethod) and method.customer == customer.id]


def _previous(before: Customer, after: Customer) -> JSON:
    """What an event says of the values that were changed."""
    names = set(before.details) | set(after.details)
    changed = {name for name in names if before.details.get(name) != after.details.get(name)}
    previous: JSON = {name: before.details.get(name) for name in sorted(changed - {"default_payment_method"})}
    if before.metadata != after.metadata:
        previous["metadata"] = before.metadata
    return previous
