"""Ids in Stripe's shapes, and which account an API key belongs to. Nothing is looked up here."""

from __future__ import annotations

import hashlib
import random
import re

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
# Shapes and lengths as Stripe's ids have them in API version 2026-10-28.
PREFIXES = {
    "payment_intent": ("pi_3", 23),
    "charge": ("ch_3", 23),
    "payment_method": ("pm_1", 23),
    "refund": ("re_3", 23),
    "dispute": ("du_1", 23),
    "event": ("evt_3", 23),
    "request": ("req_", 14),
}
API_KEY = re.compile(r"^(sk|rk)_(test|live)_\w{3,}$")
ACCOUNT = re.compile(r"^acct_\w{3,}$")

_random = random.Random()


def new_id(kind: str) -> str:
    prefix, length = PREFIXES[kind]
    return prefix + "".join(_random.choices(ALPHABET, k=length))


def account_of(api_key: str) -> str:
    """Each API key is an account of its own."""
    return "acct_1" + hashlib.sha256(api_key.encode()).hexdigest()[:15]


def client_secret(intent_id: str) -> str:
    return f"{intent_id}_secret_{hashlib.blake2b(intent_id.encode(), digest_size=12).hexdigest()}"
