"""A story of the log beside Stripe's books: what Stripe must show of a payment, and what it shows. Nothing is read."""

from collections.abc import Iterator, Sequence
from typing import Any

from models.ports import View
from models.refund import IN_DOUBT
from streams.adapters.stripe_books import Facts
from streams.reconciling.comparing import MISSING, PAYMENT, THERE, Found, Pair, readable_row
from streams.reconciling.stories import Story

STATUS_AT_STRIPE = {
    "captured": "succeeded",
    "authorized": "requires_capture",
    "canceled": "canceled",
    "declined": "canceled",  # or the customer could pay it after all
    "requires_action": "requires_action",
    "processing": "processing",  # its method takes its time
}
IN_FLIGHT = ("unknown", "manual_review")
"""Where nobody can say yet what Stripe should show."""

CHARGED = ("captured", "authorized")
FAILED = "failed"


def open_because(story: Story, row: bytes | None) -> str | None:
    """Why this payment may differ from Stripe's books for now; None: it may not."""
    view = story.shown()
    if view is None:
        return None
    is_being_made = view["status"] == "processing" and view["provider"]["payment_intent"] is None
    if is_being_made or view["status"] in IN_FLIGHT:
        return str(view["status"])
    doubtful = [refund for refund in view["refunds"] if refund["status"] in IN_DOUBT]
    if doubtful:
        return f"a refund is {doubtful[0]['status']}"
    kept = None if row is None else readable_row(row)
    calls = kept.transaction.calls if kept else {}
    return f"{next(iter(calls.values())).call.operation} is under way" if calls else None


def with_stripe(story: Story | None, seen: Sequence[Facts]) -> Found:
    """`seen`: every intent that names this payment, and the one that the payment names."""
    view = story.shown() if story else None
    if view is None:
        return {PAYMENT: (MISSING, ", ".join(_told(each) for each in seen))} if seen else {}
    if not seen:
        return {} if view["provider"]["payment_intent"] is None else {PAYMENT: (THERE, MISSING)}
    if len(seen) > 1:
        ours, theirs = view["provider"]["payment_intent"], ", ".join(_told(each) for each in seen)
        return {"provider.payment_intent": (ours, theirs)}
    (facts,) = seen
    compared = {**_amounts(view, facts), **_refunds(view, facts), **_disputes(view, facts)}
    found = {name: pair for name, pair in compared.items() if pair[0] != pair[1]}
    if STATUS_AT_STRIPE.get(view["status"]) != facts.status:
        found["status"] = (view["status"], facts.status)
    return found


def _told(facts: Facts) -> str:
    return f"{facts.intent} {facts.status} {facts.received_minor} {facts.currency}"


def _amounts(view: View, facts: Facts) -> Found:
    refunded = sum(each.amount_minor for each in facts.refunds if each.status == "succeeded")
    found: Found = {
        "id": (
            view["id"],
            facts.payment or MISSING,
        ),  # as the intent names it: by its id alone a notice finds its payment
        "merchant": (view["merchant"], facts.merchant),
        "provider.account": (view["provider"].get("account"), facts.account),
        "provider.payment_intent": (view["provider"]["payment_intent"], facts.intent),
        "amount": (view["amount"], facts.amount_minor),
        "currency": (view["currency"], facts.currency),
        "amount_capturable": (view["amount_capturable"], facts.capturable_minor),
        "amount_captured": (view["amount_captured"], facts.received_minor),
        "amount_refunded": (view["amount_refunded"], refunded),
    }
    if view["status"] in CHARGED:
        # a person who says that it was captured does not say by which charge
        found["provider.charge"] = (view["provider"]["charge"] or facts.charge, facts.charge)
        found["amount_authorized"] = (view["amount_authorized"], facts.charged_minor)
    return found


def _refunds(view: View, facts: Facts) -> Found:
    """Ours by our ids; one that nobody here made, by Stripe's."""
    theirs: dict[str, Any] = {
        each.name or each.id: f"{each.status} {each.amount_minor}" for each in facts.refunds
    }
    ours = {each["id"]: f"{each['status']} {each['amount']}" for each in view["refunds"]}
    never_made = {each["id"] for each in view["refunds"] if each["status"] == FAILED} - theirs.keys()
    named = (ours.keys() | theirs.keys()) - never_made
    return {f"refunds.{id}": (ours.get(id), theirs.get(id)) for id in sorted(named)}


def _disputes(view: View, facts: Facts) -> Found:
    return dict(_each_dispute(view, facts))


def _each_dispute(view: View, facts: Facts) -> Iterator[tuple[str, Pair]]:
    ours, theirs = {each["id"]: each for each in view["disputes"]}, {each.id: each for each in facts.disputes}
    for id in sorted(ours.keys() | theirs.keys()):
        name, mine, other = f"disputes.{id}", ours.get(id), theirs.get(id)
        if mine is None or other is None:
            yield name, (mine and mine["status"], other and other.status)
            continue
        yield f"{name}.status", (mine["status"], other.status)
        yield f"{name}.amount", (mine["amount"], other.amount_minor)
        yield f"{name}.currency", (mine["currency"], other.currency)
        yield f"{name}.amount_withdrawn", (mine["amount_withdrawn"], other.amount_minor * other.withdrawn)
        yield f"{name}.amount_reinstated", (mine["amount_reinstated"], other.amount_minor * other.reinstated)
