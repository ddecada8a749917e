"""One call of an endpoint: its parameters, the change it works on, and the settings that Stripe would know. No HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .change import Change
from .parameters import Parameters


@dataclass(slots=True)
class Timing:
    """How long what happens by itself takes, in seconds of the simulator's time."""

    follow_up_s: float = 1.0  # settling a bank debit, a late refund failure, a dispute after its charge
    much_later_s: float = 180.0  # Stripe's delayed test accounts: "after at least three minutes"
    capture_window_s: float = (
        7 * 86_400.0
    )  # Source: docs.stripe.com/payments/place-a-hold-on-a-payment-method
    merchant_initiated_visa_window_s: float = 5 * 86_400.0  # same page: Visa, merchant-initiated
    dispute_answer_s: float = 9 * 86_400.0


@dataclass(slots=True)
class Call:
    change: Change
    parameters: Parameters
    object_id: str
    timing: Timing
    delivered: Callable[[str], bool]  # whether a webhook is through, by event id
