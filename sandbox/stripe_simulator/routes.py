"""Which method and path is which endpoint, and the few that need no file of their own (lists, balance)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from . import (
    captures,
    customers,
    disputes,
    events,
    intents,
    listing,
    payment_methods,
    refunds,
    search,
    transactions,
)
from .call import Call
from .listing import Item, Page
from .parameters import Parameters
from .records import Charge, Dispute, Refund, Transaction


class Listing(NamedTuple):
    """A page an endpoint answers with, still as records."""

    url: str
    items: list[Item]
    has_more: bool
    object: str = "list"


class Endpoint(NamedTuple):
    """`read` validates and touches nothing; `run` executes; `ledger` names refused attempts there."""

    name: str
    read: Callable[[Parameters], Any]
    run: Callable[[Call, Any], Any]
    ledger: str | None = None


METHOD_FILTERS = ("customer", "type")


def _nothing(p: Parameters) -> None:
    p.text("client_secret")


def _list(prefix: str, url: str, filters: tuple[str, ...], wanted: Callable[[Item, Page], bool]) -> Endpoint:
    def run(call: Call, page: Page) -> Listing:
        books = call.change.books
        found = listing.turn_page(books, call.change.account, prefix, page, lambda item: wanted(item, page))
        return Listing(url, *found)

    return Endpoint(f"{url.removeprefix('/v1/')}.list", lambda p: listing.read_page(p, filters), run)


def _intent_wanted(item: Item, page: Page) -> bool:
    customer = page.filters.get("customer")
    return customer is None or getattr(item, "details", {}).get("customer") == customer


def _of_parents(item: Item, page: Page) -> bool:
    assert isinstance(item, Charge | Refund | Dispute)
    intent, charge = page.filters.get("payment_intent"), page.filters.get("charge")
    return intent in (None, item.intent) and (charge is None or getattr(item, "charge", item.id) == charge)


def _retrieve_charge(call: Call, _: None) -> Charge:
    return call.change.charge(call.object_id)


def _read_methods_of(p: Parameters) -> Page:
    return listing.read_page(p, ("type",))


def _methods_of(call: Call, page: Page) -> Listing:
    customer = call.change.customer(call.object_id)
    page = page._replace(filters={**page.filters, "customer": customer.id})
    found = listing.turn_page(
        call.change.books,
        call.change.account,
        "pm",
        page,
        lambda item: payment_methods.wanted(item, page),
    )
    return Listing(f"/v1/customers/{customer.id}/payment_methods", *found)


def _balance(call: Call, _: None) -> dict[str, Any]:
    """The sum of all balance transactions; fees and payouts are not simulated."""
    sums: dict[str, int] = {}
    for transaction_id in call.change.books.ids(call.change.account, "txn"):
        transaction = call.change.books.get(transaction_id)
        if isinstance(transaction, Transaction):
            sums[transaction.currency] = sums.get(transaction.currency, 0) + transaction.amount
    funds = [
        {"amount": sums[name], "currency": name, "source_types": {"card": sums[name]}}
        for name in sorted(sums)
    ]
    zero = [{**fund, "amount": 0, "source_types": {"card": 0}} for fund in funds]
    return {"object": "balance", "available": funds, "livemode": call.change.livemode, "pending": zero}


def _search(call: Call, query: search.Query) -> Listing:
    found, has_more = search.find(call, query)
    return Listing("/v1/payment_intents/search", [*found], has_more, "search_result")


def _events(call: Call, search: events.Search) -> Listing:
    return Listing("/v1/events", *events.find(call, search))


# (method, resource, number of path parts, last part if it is a verb) -> endpoint
ROUTES: dict[tuple[str, str, int, str], Endpoint] = {
    ("POST", "payment_intents", 1, ""): Endpoint(
        "payment_intents.create", intents.read_create, intents.create, "charge"
    ),
    ("GET", "payment_intents", 1, ""): _list("pi", "/v1/payment_intents", ("customer",), _intent_wanted),
    ("GET", "payment_intents", 1, "search"): Endpoint("payment_intents.search", search.read, _search),
    ("GET", "payment_intents", 2, ""): Endpoint("payment_intents.retrieve", _nothing, intents.retrieve),
    ("POST", "payment_intents", 2, ""): Endpoint(
        "payment_intents.update", intents.read_update, intents.update
    ),
    ("POST", "payment_intents", 3, "confirm"): Endpoint(
        "payment_intents.confirm", intents.read_confirm, intents.confirm, "charge"
    ),
    ("POST", "payment_intents", 3, "capture"): Endpoint(
        "payment_intents.capture", captures.read_capture, captures.capture, "capture"
    ),
    ("POST", "payment_intents", 3, "cancel"): Endpoint(
        "payment_intents.cancel", captures.read_cancel, captures.cancel, "cancel"
    ),
    ("POST", "refunds", 1, ""): Endpoint("refunds.create", refunds.read_create, refunds.create, "refund"),
    ("GET", "refunds", 1, ""): _list("re", "/v1/refunds", ("payment_intent", "charge"), _of_parents),
    ("GET", "refunds", 2, ""): Endpoint("refunds.retrieve", _nothing, refunds.retrieve),
    ("POST", "refunds", 3, "cancel"): Endpoint("refunds.cancel", _nothing, refunds.cancel),
    ("GET", "charges", 1, ""): _list("ch", "/v1/charges", ("payment_intent",), _of_parents),
    ("GET", "charges", 2, ""): Endpoint("charges.retrieve", _nothing, _retrieve_charge),
    ("GET", "disputes", 1, ""): _list("du", "/v1/disputes", ("payment_intent", "charge"), _of_parents),
    ("GET", "disputes", 2, ""): Endpoint("disputes.retrieve", _nothing, disputes.retrieve),
    ("POST", "disputes", 2, ""): Endpoint("disputes.update", disputes.read_update, disputes.update),
    ("POST", "disputes", 3, "close"): Endpoint("disputes.close", _nothing, disputes.close),
    ("GET", "events", 1, ""): Endpoint("events.list", events.read_list, _events),
    ("GET", "events", 2, ""): Endpoint("events.retrieve", _nothing, events.retrieve),
    ("GET", "balance", 1, ""): Endpoint("balance.retrieve", _nothing, _balance),
    ("GET", "balance_transactions", 1, ""): _list(
        "txn", "/v1/balance_transactions", transactions.FILTERS, transactions.wanted
    ),
    ("GET", "balance_transactions", 2, ""): Endpoint(
        "balance_transactions.retrieve", _nothing, transactions.retrieve
    ),
    ("POST", "customers", 1, ""): Endpoint("customers.create", customers.read, customers.create),
    ("GET", "customers", 1, ""): _list("cus", "/v1/customers", ("email",), customers.wanted),
    ("GET", "customers", 2, ""): Endpoint("customers.retrieve", _nothing, customers.retrieve),
    ("POST", "customers", 2, ""): Endpoint("customers.update", customers.read, customers.update),
    ("DELETE", "customers", 2, ""): Endpoint("customers.delete", _nothing, customers.delete),
    ("GET", "customers", 3, "payment_methods"): Endpoint(
        "customers.payment_methods", _read_methods_of, _methods_of
    ),
    ("POST", "payment_methods", 1, ""): Endpoint(
        "payment_methods.create", payment_methods.read_create, payment_methods.create
    ),
    ("GET", "payment_methods", 1, ""): _list(
        "pm", "/v1/payment_methods", METHOD_FILTERS, payment_methods.wanted
    ),
    ("GET", "payment_methods", 2, ""): Endpoint(
        "payment_methods.retrieve", _nothing, payment_methods.retrieve
    ),
    ("POST", "payment_methods", 3, "attach"): Endpoint(
        "payment_methods.attach", payment_methods.read_attach, payment_methods.attach
    ),
    ("POST", "payment_methods", 3, "detach"): Endpoint(
        "payment_methods.detach", _nothing, payment_methods.detach
    ),
}


def find(method: str, path: str) -> tuple[Endpoint, str] | None:
    """The endpoint and the object id in the path."""
    parts = path.strip("/").split("/")
    if len(parts) < 2 or parts[0] != "v1":
        return None
    if parts[2:] == ["search"]:
        endpoint = ROUTES.get((method, parts[1], 1, "search"))
        return (endpoint, "") if endpoint else None
    verb = parts[3] if len(parts) == 4 else ""
    endpoint = ROUTES.get((method, parts[1], len(parts) - 1, verb))
    return (endpoint, parts[2] if len(parts) > 2 else "") if endpoint else None
