"""Capturing and cancelling PaymentIntents, and what happens to an authorisation nobody captured."""

from __future__ import annotations

from typing import NamedTuple

from . import transactions
from .call import Call
from .change import Change
from .errors import invalid, unexpected_state
from .parameters import Parameters
from .records import Charge, Intent

CANCELABLE = (
    "requires_payment_method",
    "requires_capture",
    "requires_confirmation",
    "requires_action",
    "processing",
)
REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")


class Capture(NamedTuple):
    amount_minor: int | None
    final: bool


def read_capture(p: Parameters) -> Capture:
    p.metadata()
    p.text("statement_descriptor", 22)
    p.text("statement_descriptor_suffix", 22)
    return Capture(p.positive("amount_to_capture"), p.flag("final_capture", default=True))


def capture(call: Call, read: Capture) -> Intent:
    intent = call.change.intent(call.object_id, "intent")
    if intent.status != "requires_capture":
        raise unexpected_state(
            f"This PaymentIntent could not be captured because it has a status of {intent.status}. Only a "
            "PaymentIntent with one of the following statuses may be captured: requires_capture.",
            intent=intent,
        )
    amount = read.amount_minor if read.amount_minor is not None else intent.amount_capturable
    _check_capture(intent, amount, read.final)
    charge = call.change.charge(intent.charges[-1])
    received = intent.amount_received + amount
    charge = charge._replace(captured=True, amount_captured=received)
    if read.final:
        changed = intent._replace(status="succeeded", amount_capturable=0, amount_received=received)
        told = "payment_intent.succeeded"
    else:
        left = intent.amount_capturable - amount
        changed = intent._replace(amount_capturable=left, amount_received=received)
        told = "payment_intent.amount_capturable_updated"
    call.change.put(charge)
    call.change.put(changed)
    transactions.of_capture(call.change, charge, amount)
    call.change.tell("charge.captured", charge)
    call.change.tell(told, changed)
    call.change.enter("capture", "succeeded", charge, amount)
    return changed


def _check_capture(intent: Intent, amount: int, final: bool) -> None:
    if amount > intent.amount_capturable:
        raise invalid(
            f"The amount_to_capture ({amount}) is greater than the amount that can be captured "
            f"({intent.amount_capturable}).",
            "amount_to_capture",
            "amount_too_large",
        )
    if not final and not intent.multicapture:
        raise invalid(
            "`final_capture` may only be false where multicapture is available: create the PaymentIntent with "
            "`payment_method_options[card][request_multicapture]=if_available`.",
            "final_capture",
        )


def read_cancel(p: Parameters) -> str | None:
    return p.choice("cancellation_reason", REASONS)


def cancel(call: Call, reason: str | None) -> Intent:
    intent = call.change.intent(call.object_id, "intent")
    if intent.status not in CANCELABLE:
        raise unexpected_state(
            f"You cannot cancel this PaymentIntent because it has a status of {intent.status}. Only a PaymentIntent "
            f"with one of the following statuses may be canceled: {', '.join(CANCELABLE)}.",
            intent=intent,
        )
    return close(call.change, intent, reason, "charge.refunded")


def close(change: Change, intent: Intent, reason: str | None, released_event: str) -> Intent:
    """Cancels, and gives an authorisation back."""
    charge = change.charge(intent.charges[-1]) if intent.charges else None
    if charge is not None and intent.status == "requires_capture":
        released = charge._replace(released=True, amount_refunded=charge.amount - charge.amount_captured)
        change.put(released)
        change.tell(released_event, released)
    elif charge is not None and charge.status == "pending":
        _stop(change, charge)
    canceled = intent._replace(
        status="canceled",
        amount_capturable=0,
        next_action=None,
        canceled_at=int(change.now),
        cancellation_reason=reason,
    )
    change.put(canceled)
    change.tell("payment_intent.canceled", canceled)
    change.enter("cancel", "canceled", canceled, intent.amount_capturable, reason)
    return canceled


def _stop(change: Change, charge: Charge) -> None:
    """A bank debit called back before it settled."""
    stopped = charge._replace(status="failed", failure="payment_method_failed")
    change.put(stopped)
    change.tell("charge.failed", stopped)
