"""Attempting a charge for a PaymentIntent: success, authorisation, decline, authentication, and bank debits in between.

The whole of Stripe's confirm is here; who may confirm what and when is `intents`' business.
"""

from __future__ import annotations

from . import saved_methods, transactions
from .call import Timing
from .change import Change
from .errors import StripeError, invalid
from .identity import new_id
from .methods import METHODS, Method, card_error
from .records import Charge, Intent, SavedMethod

ERROR_ON_ACTION = (
    "This payment required an authentication action to complete, but `error_on_requires_action` was set. "
    "When you're ready, you can upgrade your integration to handle actions at "
    "https://stripe.com/docs/payments/payment-intents/upgrade-to-handle-actions."
)


def attempt(
    change: Change, timing: Timing, intent: Intent, *, error_on_action: bool = False
) -> Intent | StripeError:
    """Confirms: the intent as it then stands, or the card error (the change is kept in both cases)."""
    challenge = _challenges(change, intent)
    if challenge and intent.off_session:
        return _decline(change, intent, "authentication_required")
    if challenge and error_on_action:
        raise StripeError(402, "card_error", ERROR_ON_ACTION, code="authentication_required")
    if challenge:
        kind = "redirect_to_url" if intent.details.get("return_url") else "use_stripe_sdk"
        waiting = intent._replace(status="requires_action", next_action=kind, failure=None)
        change.put(waiting)
        change.tell("payment_intent.requires_action", waiting)
        return waiting
    return proceed(change, timing, intent)


def proceed(change: Change, timing: Timing, intent: Intent) -> Intent | StripeError:
    """The charge itself, once nothing more is asked of the customer."""
    method = method_of(intent)
    if method.decline:
        return _decline(change, intent, method.decline)
    saved_methods.keep_for_later(change, intent)
    if method.settles != "at_once":
        return _process(change, timing, intent, method)
    return _succeed(change, timing, intent, method)


def method_of(intent: Intent) -> Method:
    assert intent.method is not None
    return METHODS[intent.method]


def _challenges(change: Change, intent: Intent) -> bool:
    """Whether the customer must authenticate now."""
    method = method_of(intent)
    if not method.challenge or not method.until_set_up:
        return method.challenge
    saved = change.get(intent.method_id or "")
    return not (isinstance(saved, SavedMethod) and saved.set_up)


def fail_authentication(change: Change, intent: Intent) -> Intent:
    """The customer did not pass the step: no charge was tried, the method is gone."""
    failed = intent._replace(
        status="requires_payment_method", next_action=None, failure="authentication_failure"
    )
    change.put(failed)
    change.tell("payment_intent.payment_failed", failed)
    change.enter("charge", "failed", failed, failed.amount, "payment_intent_authentication_failure")
    return failed


def settle(change: Change, timing: Timing, intent: Intent) -> None:
    """A bank debit that was processing comes to its end."""
    method = method_of(intent)
    charge = change.charge(intent.charges[-1])
    if method.settle_failure:
        lost = charge._replace(status="failed", failure=method.settle_failure)
        open_again = intent._replace(status="requires_payment_method", failure=method.settle_failure)
        _put_both(change, lost, open_again, "charge.failed", "payment_intent.payment_failed")
        change.enter("charge", "failed", lost, lost.amount, method.settle_failure)
        return
    paid = charge._replace(status="succeeded", captured=True, amount_captured=charge.amount)
    done = intent._replace(status="succeeded", amount_received=charge.amount)
    transactions.of_capture(change, paid, paid.amount)
    _put_both(change, paid, done, "charge.succeeded", "payment_intent.succeeded")
    change.enter("charge", "succeeded", paid, paid.amount)
    if method.dispute:
        change.later(timing.follow_up_s, "open_dispute", charge.id)


def _succeed(change: Change, timing: Timing, intent: Intent, method: Method) -> Intent:
    charge = _new_charge(change, intent, "succeeded")
    settled: Intent
    if intent.capture_method == "manual":
        window_s = timing.capture_window_s
        if intent.off_session and method.brand == "visa":
            window_s = timing.merchant_initiated_visa_window_s
        charge = charge._replace(capture_before=int(change.now + window_s))
        settled = _with_charge(intent, charge, "requires_capture")._replace(amount_capturable=intent.amount)
        _put_both(change, charge, settled, "charge.succeeded", "payment_intent.amount_capturable_updated")
        change.enter("charge", "authorized", charge, charge.amount)
        change.later(window_s, "expire_authorization", intent.id)
    else:
        charge = charge._replace(captured=True, amount_captured=intent.amount)
        settled = _with_charge(intent, charge, "succeeded")._replace(amount_received=intent.amount)
        transactions.of_capture(change, charge, charge.amount)
        _put_both(change, charge, settled, "charge.succeeded", "payment_intent.succeeded")
        change.enter("charge", "succeeded", charge, charge.amount)
        if method.dispute:
            change.later(timing.follow_up_s, "open_dispute", charge.id)
    return settled


def _process(change: Change, timing: Timing, intent: Intent, method: Method) -> Intent:
    charge = _new_charge(change, intent, "pending")
    waiting = _with_charge(intent, charge, "processing")
    _put_both(change, charge, waiting, "charge.pending", "payment_intent.processing")
    change.enter("charge", "pending", charge, charge.amount)
    if method.settles == "later":
        change.later(timing.follow_up_s, "settle", intent.id)
    elif method.settles == "much_later":
        change.later(timing.much_later_s, "settle", intent.id)
    return waiting


def _decline(change: Change, intent: Intent, name: str) -> StripeError:
    charge = _new_charge(change, intent, "failed")._replace(failure=name)
    failed = _with_charge(intent, charge, "requires_payment_method")._replace(failure=name)
    _put_both(change, charge, failed, "charge.failed", "payment_intent.payment_failed")
    change.enter("charge", "failed", charge, charge.amount, name)
    return card_error(name, {"charge": charge.id, "payment_intent": failed})


def _new_charge(change: Change, intent: Intent, status: str) -> Charge:
    assert intent.method is not None and intent.method_id is not None
    return Charge(
        new_id("charge"),
        intent.account,
        change.books.next_seq(),
        int(change.now),
        intent.livemode,
        intent.id,
        intent.amount,
        intent.currency,
        status,
        intent.method,
        intent.method_id,
    )


def _with_charge(intent: Intent, charge: Charge, status: str) -> Intent:
    return intent._replace(
        status=status, charges=[*intent.charges, charge.id], next_action=None, failure=None
    )


def _put_both(change: Change, charge: Charge, intent: Intent, of_charge: str, of_intent: str) -> None:
    change.put(charge)
    change.put(intent)
    change.tell(of_charge, charge)
    change.tell(of_intent, intent)


def check_fit(intent: Intent, method: Method) -> None:
    """The method must be one that this intent takes. Source: docs.stripe.com/payments/payment-methods/integration-options"""
    if method.type not in intent.method_types:
        allowed = ", ".join(intent.method_types)
        raise invalid(
            f"The PaymentMethod provided ({method.type}) is not allowed for this PaymentIntent. Please attach a "
            f"PaymentMethod of one of the following types: {allowed}.",
            "payment_method",
            "payment_intent_incompatible_payment_method",
        )
    currency = {"us_bank_account": "usd", "sepa_debit": "eur"}.get(method.type)
    if currency and intent.currency != currency:
        raise invalid(f"The currency provided ({intent.currency}) is invalid for {method.type}.", "currency")
    if method.type != "card" and intent.capture_method == "manual":
        raise invalid(
            f"The payment method type {method.type} does not support manual capture.", "capture_method"
        )
