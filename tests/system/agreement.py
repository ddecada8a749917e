"""One truth: the events, the writer's table, PostgreSQL, the cache and Stripe tell the same of every payment, field by field.

Written apart from `streams.reconciling`, over the simulator's own ledger and the events replayed: two witnesses are worth more
than one, and each is tested against the other.
"""

import json
from collections.abc import Iterator
from dataclasses import replace

from models.payment import PaymentStatus
from models.provider import RefundStatus
from models.representation import payment_view
from models.transaction import Transaction
from streams.wire import events
from tests.system.evidence import Evidence

STATUS_AT_STRIPE = {
    PaymentStatus.CAPTURED: "succeeded",
    PaymentStatus.AUTHORIZED: "requires_capture",
    PaymentStatus.CANCELED: "canceled",
    PaymentStatus.DECLINED: "canceled",  # or the customer could pay it after all
    PaymentStatus.REQUIRES_ACTION: "requires_action",
    PaymentStatus.PROCESSING: "processing",
}


def table_is_the_replay(found: Evidence) -> Iterator[str]:
    for id in found.log.table.keys() | found.log.replayed.keys():
        row, replayed = found.log.table.get(id), found.log.replayed.get(id)
        if row is None or _as_far_as_known(row.transaction, replayed, found.unknown) != replayed:
            yield f"I6 {id}: the table has {row and row.transaction}, the events lead to {replayed}"
        if row is not None and row.waiters:
            yield f"I2 {id}: somebody is still waiting: {row.waiters}"


def _as_far_as_known(kept: Transaction, replayed: Transaction | None, unknown: set[str]) -> Transaction:
    """With what an older version left out as the events have it."""
    if kept.payment is None or replayed is None or replayed.payment is None:
        return kept
    left_out = [name for name in unknown if getattr(kept.payment, name) is None]
    told = {name: getattr(replayed.payment, name) for name in left_out}
    return replace(kept, payment=replace(kept.payment, **told))


def postgres_is_the_table(found: Evidence) -> Iterator[str]:
    views = {
        id: payment_view(row.transaction, livemode=False)
        for id, row in found.log.table.items()
        if row.transaction.payment is not None
    }
    for id in views.keys() | found.stored.payments.keys():
        kept, view = found.stored.payments.get(id), views.get(id)
        if kept is None or view is None or kept != (view["sequence"], view["status"], _as_json(view)):
            yield f"I6 {id}: PostgreSQL has {kept}, the table {view}"
    refunds = {(id, each["id"]): _as_json(each) for id, view in views.items() for each in view["refunds"]}
    for whose in refunds.keys() | found.stored.refunds.keys():
        if refunds.get(whose) != found.stored.refunds.get(whose):
            yield f"I6 {whose}: PostgreSQL has {found.stored.refunds.get(whose)}, the table {refunds.get(whose)}"


def cache_is_not_ahead(found: Evidence) -> Iterator[str]:
    """It may be behind, or empty; but a newer state than the table's never was."""
    for id, view in found.cached.items():
        row = found.log.table.get(id)
        if row is None or view["sequence"] > row.transaction.sequence:
            yield f"I6 {id}: the cache is ahead with {view}"
        elif view["sequence"] == row.transaction.sequence and view != _as_json(
            payment_view(row.transaction, livemode=False)
        ):
            yield f"I6 {id}: the cache has {view}, the table otherwise"


def stories_are_in_postgres(found: Evidence) -> Iterator[str]:
    told = {
        (payment_id, event.sequence): (event.id, story.type, _as_json(events.public(story)))
        for payment_id, happened in found.log.stories.items()
        for event, story in happened
    }
    for place in told.keys() | found.stored.events.keys():
        if told.get(place) != found.stored.events.get(place):
            yield f"I6 event {place}: PostgreSQL has {found.stored.events.get(place)}, the log {told.get(place)}"


def stripe_is_the_table(found: Evidence) -> Iterator[str]:
    at_stripe = {row["payment"]: row for row in found.ledger.payments}
    for id, row in found.log.table.items():
        transaction = row.transaction
        payment = transaction.payment
        if payment is None:
            continue
        if payment.intent is None and id not in at_stripe and payment.status is PaymentStatus.DECLINED:
            continue  # turned away before Stripe made anything of it
        ours, theirs = _as_stripe_has_it(transaction), at_stripe.get(id, {})
        named = {name: theirs.get(name) for name in ours if name != "refunds"}
        named["refunds"] = sorted(
            (each["refund"], each["object"], each["status"], each["amount"])
            for each in theirs.get("refunds", [])
        )
        if payment.status is PaymentStatus.CANCELED and named["charges_succeeded"] == 1:
            ours["charges_succeeded"] = 1  # reserved, and called back before anybody was told that it was
        if named != ours:
            yield f"I6 {id}: Stripe has {named}, the table {ours}"


def _as_stripe_has_it(transaction: Transaction) -> dict[str, object]:
    payment = transaction.payment
    assert payment is not None
    return {
        "payment_intent": payment.intent,
        "status": STATUS_AT_STRIPE.get(payment.status, f"nothing that Stripe calls {payment.status}"),
        "currency": payment.terms.money.currency,
        "amount": payment.terms.money.amount_minor,
        "amount_capturable": payment.amount_capturable_minor,
        "amount_captured": payment.amount_captured_minor,
        "amount_refunded": transaction.amount_refunded_minor,
        "amount_refund_pending": transaction.amount_refund_pending_minor,
        "charges_succeeded": int(payment.status in (PaymentStatus.CAPTURED, PaymentStatus.AUTHORIZED))
        or int(payment.amount_authorized_minor > 0),
        "disputed": any(dispute.withdrawn for dispute in transaction.disputes.values()),
        "refunds": sorted(
            (id, refund.provider_refund, refund.status.value, refund.amount_minor)
            for id, refund in transaction.refunds.items()
            if refund.provider_refund is not None or refund.status is not RefundStatus.FAILED
        ),
    }


def _as_json(view: object) -> object:
    return json.loads(json.dumps(view))
