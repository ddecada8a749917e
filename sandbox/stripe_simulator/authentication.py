"""Who asks: the account behind an API key, or behind `Stripe-Account`. Every well-formed key is good here."""

from __future__ import annotations

import base64
import binascii

from . import errors
from .identity import ACCOUNT, API_KEY, account_of


def authenticate(authorization: str | None, stripe_account: str | None) -> tuple[str, bool]:
    """The account that is asked for and whether it is live; any well-formed key is good."""
    api_key = _api_key(authorization)
    if api_key is None or not API_KEY.match(api_key):
        raise errors.unauthenticated(api_key)
    if stripe_account is not None and not ACCOUNT.match(stripe_account):
        raise errors.forbidden(stripe_account)
    return stripe_account or account_of(api_key), "_live_" in api_key


def _api_key(authorization: str | None) -> str | None:
    scheme, _, value = (authorization or "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or None
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[0] or None
    except (binascii.Error, UnicodeDecodeError):
        return None
