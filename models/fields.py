"""The limits of single fields, as numbers, patterns and small checks. Which command has which field is in `shapes.py`.

A check gets a decoded JSON value and returns what is wrong with it, or None. It never repeats the value.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from models.card_numbers import holds_card_number

AMOUNT_LIMIT = 2**63 - 1
"""What any reader of the JSON can hold. What can be charged is less: that is a rule, with a code of its own."""

DESCRIPTION_MAX_CHARS = 1000
"""Source: Stripe, payment intents, `description`."""
CUSTOMER_MAX_CHARS = 255
METADATA_NAMES_MAX = 40
"""Stripe keeps 50; ten are left for what Millrace itself writes there. Source: Stripe, metadata."""
METADATA_NAME_MAX_CHARS = 40
METADATA_VALUE_MAX_CHARS = 500
CAPTURE_METHODS = ("automatic", "manual")
REFUND_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
PAYMENT_RESOLUTIONS = ("captured", "authorized", "canceled", "declined")
REFUND_RESOLUTIONS = ("succeeded", "failed", "canceled")
RESOLUTIONS = tuple(dict.fromkeys(PAYMENT_RESOLUTIONS + REFUND_RESOLUTIONS))
"""What a person can find of a payment in doubt, and of a refund."""
CANCELLATION_REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")
"""Source: Stripe, refunds, `reason`, and payment intents, `cancellation_reason`."""


class Pattern(NamedTuple):
    """A string of a fixed form. `regex` is kept to what JSON Schema and Python both understand."""

    regex: str
    max_chars: int
    says: str


CURRENCY = Pattern(r"^[a-z]{3}$", 3, "must be a currency code of three lowercase letters")
PAYMENT_METHOD = Pattern(
    r"^[a-z]+_[A-Za-z0-9_]{1,250}$", 255, "must be a payment method's token, such as pm_…"
)
PAYMENT_INTENT = Pattern(r"^pi_[A-Za-z0-9_]{1,250}$", 255, "must be a payment intent of the provider's, pi_…")
REFUND_ID_PATTERN = Pattern(r"^re_[0-9a-f]{32}$", 35, "must be re_ and 32 lowercase hexadecimal digits")
RECEIPT_EMAIL = Pattern(
    r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+$",
    254,
    "must be an e-mail address",
)
STATEMENT_SUFFIX = Pattern(
    r"^[A-Za-z0-9 !#$%&()+,./:;=?@^_`{|}~\[\]-]{1,22}$",
    22,
    "must be 1 to 22 Latin letters, digits and signs, none of < > \\ ' \" *",
)
RETURN_URL = Pattern(
    r"^https?://[A-Za-z0-9._:\[\]-]{1,260}([/?#][!-~]*)?$", 2048, "must be an http or https address"
)

CARD_NUMBER = "must not hold a card number"
_CONTROLS = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f"
PLAIN_TEXT = f"^[^{_CONTROLS}]*$"
METADATA_NAME = rf"^[^\[\]{_CONTROLS}]+$"
"""For a schema: free text without control characters, and a name without brackets besides."""
_UNWANTED = re.compile(rf"[{_CONTROLS}\ud800-\udfff]")
"""Control characters but tab and line ends (PostgreSQL cannot keep NUL), and halves of a pair that UTF-8 cannot write."""

Check = Callable[[object], str | None]


Faults = Callable[[str, object], Sequence[tuple[str, str]]]
"""All that is wrong with the field of this name, as (field, message)."""


class Field(NamedTuple):
    faults: Faults
    required: bool = False


def one(check: Check, required: bool = False) -> Field:
    """A field with at most one fault."""

    def faults(name: str, value: object) -> Sequence[tuple[str, str]]:
        message = check(value)
        return ((name, message),) if message else ()

    return Field(faults, required)


def text(most: int, least: int = 0) -> Check:
    """Free text of `least` to `most` characters (code points)."""

    def check(value: object) -> str | None:
        if not isinstance(value, str):
            return "must be a string"
        if not least <= len(value) <= most:
            return (
                f"must be {least} to {most} characters long"
                if least
                else f"must be at most {most} characters long"
            )
        if _UNWANTED.search(value):
            return "must not hold control characters or unpaired surrogates"
        return CARD_NUMBER if holds_card_number(value) else None

    return check


def matching(pattern: Pattern) -> Check:
    expected = re.compile(pattern.regex.removeprefix("^").removesuffix("$"), re.ASCII)

    def check(value: object) -> str | None:
        if not isinstance(value, str):
            return "must be a string"
        if len(value) > pattern.max_chars:
            return f"must be at most {pattern.max_chars} characters long"
        if holds_card_number(value):
            return CARD_NUMBER
        return None if expected.fullmatch(value) else pattern.says

    return check


def one_of(words: tuple[str, ...]) -> Check:
    says = "must be one of " + ", ".join(words)
    return lambda value: None if isinstance(value, str) and value in words else says


def amount(least: int) -> Check:
    """An integer in minor units. `true` and `1.0` are none; nor is anything that could be charged as long as a card number."""

    def check(value: object) -> str | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return "must be an integer, in minor units of the currency"
        if value < least:
            return f"must be at least {least}"
        if value > AMOUNT_LIMIT:
            return "is too large"
        return CARD_NUMBER if holds_card_number(str(value)) else None

    return check


def yes_or_no(value: object) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


_NAME = text(METADATA_NAME_MAX_CHARS, least=1)
_VALUE = text(METADATA_VALUE_MAX_CHARS)


def metadata(field: str, value: object) -> Sequence[tuple[str, str]]:
    """A flat object of strings. A member's name is only repeated when nothing is wrong with the name itself."""
    if not isinstance(value, dict):
        return ((field, "must be an object of strings"),)
    if len(value) > METADATA_NAMES_MAX:
        return ((field, f"must have at most {METADATA_NAMES_MAX} names"),)
    return tuple(_members(field, value))


def _members(field: str, value: dict[str, object]) -> Iterator[tuple[str, str]]:
    for name, held in value.items():
        if message := _NAME(name) or _brackets(name):
            yield field, f"a name {message}"
        elif message := _VALUE(held):
            yield f"{field}.{name}", message


def _brackets(name: str) -> str | None:
    return "must not hold [ or ]" if "[" in name or "]" in name else None
