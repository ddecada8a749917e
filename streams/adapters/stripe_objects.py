"""Members of Stripe's JSON objects, each held to its type, and the texts in them made fit to be shown. Nothing is meant by them
here.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from models.card_numbers import holds_card_number

StripeObject = Mapping[str, Any]

PAYMENT_ID_NAME, MERCHANT_NAME, REFUND_ID_NAME = "payment_id", "merchant", "refund_id"
"""The names of our own metadata. Written last, so that a merchant's own of the same name cannot hide them."""

MESSAGE_MAX_CHARS = 500
AMOUNT_LIMIT = 10**15
"""A thousand times what any charge may be: what is above is no amount, and its sums would leave 64 bits."""
MOMENTS = range(946_684_800, 7_258_118_400)
"""2000 to 2200, in seconds: what is outside is no time, and a day before or after it may be none that can be written."""

_SECRETS = re.compile(r"\b(?:sk|rk|pk|whsec)_\w+|\b\w+_secret_\w+", re.ASCII)


class Malformed(Exception):
    """Not an object of the kind that was expected. The message names the field, never its value."""


def metadata_of(seen: StripeObject) -> StripeObject:
    return inner(seen, "metadata") or {}


def id_of(seen: StripeObject, name: str) -> str | None:
    """The id of a related object, expanded or not."""
    related = seen.get(name)
    if isinstance(related, Mapping):
        related = related.get("id")
    return related if isinstance(related, str) else None


def inner(seen: StripeObject, name: str) -> StripeObject | None:
    value = seen.get(name)
    return value if isinstance(value, Mapping) else None


def text(seen: StripeObject, name: str) -> str:
    value = seen.get(name)
    if not isinstance(value, str) or not value:
        raise Malformed(f"{name} is no text")
    return value


def optional_text(seen: StripeObject, name: str) -> str | None:
    value = seen.get(name)
    return value if isinstance(value, str) and value else None


def amount(seen: StripeObject, name: str) -> int:
    value = seen.get(name)
    if type(value) is not int or not 0 <= value <= AMOUNT_LIMIT:  # True is an int too
        raise Malformed(f"{name} is no amount")
    return value


def signed_amount(seen: StripeObject) -> int:
    value = seen.get("amount")
    return value if type(value) is int else 0


def moment(seen: StripeObject, name: str) -> datetime | None:
    value = seen.get(name)
    if type(value) is not int:
        return None
    if not MOMENTS.start <= value < MOMENTS.stop:
        raise Malformed(f"{name} is no time of these centuries")
    return datetime.fromtimestamp(value, UTC)


def safe_text(message: str) -> str:
    """A text of Stripe's that may be shown and logged: no card number, no key, no client secret, not too long."""
    if holds_card_number(message):
        return "(withheld: it held what looks like a card number)"
    whole = message.encode(errors="replace").decode()  # JSON may hold half a character, UTF-8 may not
    return _SECRETS.sub("(withheld)", whole)[:MESSAGE_MAX_CHARS]
