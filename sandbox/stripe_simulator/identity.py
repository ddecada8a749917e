"""Ids in Stripe's shapes, and which account an API key belongs to. Nothing is looked up here."""

from __future__ import annotations

import hashlib
import random
import re
from functools import lru_cache

# Prefixes and lengths as Stripe's ids have them; the rest is hexadecimal here, which is quicker to draw than base 62.
PREFIXES = {
    "payment_intent": ("pi_3", 23),
    "charge": ("ch_3", 23),
    "payment_method": ("pm_1", 23),
    "refund": ("re_3", 23),
    "dispute": ("du_1", 23),
    "customer": ("cus_", 14),
    "event": ("evt_3", 23),
    "request": ("req_", 14),
}
API_KEY = re.compile(r"^(sk|rk)_(test|live)_\w{3,}$")
ACCOUNT = re.compile(r"^acct_\w{3,}$")

ACCOUNTS_REMEMBERED = 1_024

_random = random.Random()  # seeded by the system: ids of a restarted simulator are new ones


def new_id(kind: str) -> str:
    prefix, length = PREFIXES[kind]
    return f"{prefix}{_random.getrandbits(4 * length):0{length}x}"


def transaction_id(source_id: str, mark: str = "") -> str:
    """A balance transaction is named after what it is about: `ch_3…` is `txn_3…`. A mark tells a second one apart."""
    rest = source_id.partition("_")[2]
    return f"txn_{mark}{rest[len(mark) :]}"


@lru_cache(maxsize=ACCOUNTS_REMEMBERED)
def account_of(api_key: str) -> str:
    """Each API key is an account of its own."""
    return "acct_1" + hashlib.sha256(api_key.encode()).hexdigest()[:15]


def client_secret(intent_id: str) -> str:
    return f"{intent_id}_secret_{hashlib.blake2b(intent_id.encode(), digest_size=12).hexdigest()}"
