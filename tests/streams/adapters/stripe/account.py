"""Whom the contract with Stripe is held against: the simulator, or an account of Stripe's in test mode. No test lives here."""

import os
from typing import NamedTuple

import pytest

from streams.settings import STRIPE_KEY

STRIPE = "https://api.stripe.com"
VARIABLE = "STRIPE_API_KEY"


class StripeAccount(NamedTuple):
    url: str
    key: str


def of_stripes() -> StripeAccount:
    """Skips where nobody gave a key; a live one is refused, and so is what is none. The key is not repeated."""
    key = os.environ.get(VARIABLE)
    if not key:
        pytest.skip(f"{VARIABLE} is not set: only the simulator is held to the contract")
    matched = STRIPE_KEY.fullmatch(key)
    if matched is None or matched["mode"] != "test":
        pytest.fail(f"{VARIABLE} must be a test key of Stripe's: these tests move money", pytrace=False)
    return StripeAccount(STRIPE, key)
