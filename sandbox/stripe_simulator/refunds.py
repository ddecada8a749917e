"""Refunds: create, retrieve, cancel, and the ones that turn later (a succeeded refund may still fail)."""

from __future__ import annotations

from typing import NamedTuple

from . import transactions
from .call import Call
from .change import Change
from .currencies import shown
from .errors import StripeError, invalid, missing
from .identity import new_id
from .methods import METHODS
from .parameters import Parameters
from .records import Charge, Dispute, Refund

REASONS = ("duplicate", "fraudulent", "requested_by_customer")
STATUS_AT_FIRST = {"succeeds": "succeeded", "fails_later": "succeeded", "succeeds_later": "pending"}


class Asked(NamedTuple):
    payment_intent: str | None
    charge: str | None
    amount_minor: int | None
    reason: str | None
    metadata: dict[str, str]


def read_create(p: Parameters) -> Asked:
    asked = Asked(
        p.text("payment_intent"),
        p.text("charge"),
        p.positive("amount"),
        p.choice("reason", REASONS),
        p.metadata() or {},
    )
    p.flag("refund_application_fee")
    p.flag("reverse_transfer")
    p.email("instructions_email")
    if asked.payment_intent is None and asked.charge is None:
        raise missing("payment_intent")
    return asked


def create(call: Call, asked: Asked) -> Refund:
    change = call.change
    charge = _charge_of(change, asked)
    left = charge.amount_captured - charge.amount_refunded
    amount = left if asked.amount_minor is None else asked.amount_minor
    _check(change, charge, left, amount)
    behaviour = METHODS[charge.method].refund
    refund = Refund(
        new_id("refund"),
        change.account,
        change.books.next_seq(),
        int(change.now),
        change.livemode,
        charge.id,
        charge.intent,
        amount,
        charge.currency,
        STATUS_AT_FIRST[behaviour],
        asked.reason,
        asked.metadata,
    )
    charge = charge._replace(
        amount_refunded=charge.amount_refunded + amount, refunds=[*charge.refunds, refund.id]
    )
    change.put(refund)
    change.put(charge)
    transactions.of_refund(change, charge, refund)
    change.tell("refund.created", refund)
    change.tell("charge.refunded", charge)
    change.enter("refund", refund.status, refund, amount)
    if behaviour != "succeeds":
        change.later(call.timing.follow_up_s, "turn_refund", refund.id)
    return refund


def retrieve(call: Call, _: None) -> Refund:
    return call.change.refund(call.object_id)


def cancel(call: Call, _: None) -> Refund:
    """Only a pending refund can be called back."""
    refund = call.change.refund(call.object_id)
    if refund.status != "pending":
        raise invalid(f"This refund cannot be canceled because it has a status of {refund.status}.")
    return _end(call.change, refund, "canceled", None)


def turn(change: Change, refund: Refund) -> None:
    """What Stripe's refund test cards do some time later."""
    behaviour = METHODS[change.charge(refund.charge).method].refund
    if behaviour == "fails_later" and refund.status == "succeeded":
        _end(change, refund, "failed", "expired_or_canceled_card")
    elif behaviour == "succeeds_later" and refund.status == "pending":
        done = refund._replace(status="succeeded")
        change.put(done)
        change.tell("refund.updated", done, {"status": "pending"})
        change.enter("refund", "succeeded", done, done.amount)


def _end(change: Change, refund: Refund, status: str, why: str | None) -> Refund:
    """Failed or canceled: the money is back, so the charge counts it no more."""
    charge = change.charge(refund.charge)
    ended = refund._replace(status=status, failure_reason=why)
    change.put(ended)
    change.put(charge._replace(amount_refunded=charge.amount_refunded - refund.amount))
    transactions.of_refund_failure(change, charge, ended)
    change.tell("refund.updated", ended, {"status": refund.status})
    if status == "failed":
        change.tell("refund.failed", ended)
    change.enter("refund", status, ended, refund.amount, why)
    return ended


def _charge_of(change: Change, asked: Asked) -> Charge:
    if asked.payment_intent is None:
        return change.charge(asked.charge or "", "charge")
    intent = change.intent(asked.payment_intent, "payment_intent")
    charge = change.charge(intent.charges[-1]) if intent.charges else None
    if charge is None or not charge.captured:
        raise invalid(
            f"This PaymentIntent ({intent.id}) does not have a successful charge to refund.", "payment_intent"
        )
    if asked.charge not in (None, charge.id):
        raise invalid("The charge does not belong to the payment_intent.", "charge")
    return charge


def _check(change: Change, charge: Charge, left: int, amount: int) -> None:
    if not charge.captured:
        raise invalid(
            f"Charge {charge.id} has not been captured; cancel its PaymentIntent instead.", "charge"
        )
    if _charged_back(change, charge):
        text = f"Charge {charge.id} has been charged back; cannot issue a refund."
        raise invalid(text, code="charge_disputed")
    if left <= 0:
        raise _already_refunded(charge)
    if amount > left:
        asked_text, left_text = shown(amount, charge.currency), shown(left, charge.currency)
        raise invalid(
            f"Refund amount ({asked_text}) is greater than unrefunded amount on charge ({left_text})",
            "amount",
        )


def _charged_back(change: Change, charge: Charge) -> bool:
    """The bank has the money, or had the last word."""
    dispute = change.get(charge.dispute) if charge.dispute else None
    return charge.disputed and not (isinstance(dispute, Dispute) and dispute.refundable)


def _already_refunded(charge: Charge) -> StripeError:
    return invalid(f"Charge {charge.id} has already been refunded.", code="charge_already_refunded")
