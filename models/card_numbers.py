"""Recognises what looks like a card number, so that it is refused at every door. Never stores, logs or returns one."""

import re

DIGITS_MIN = 13

_DIGITS_WITH_GAPS = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)", re.ASCII)
"""13 to 19 digits, single blanks or hyphens between them. Source: ISO/IEC 7812, length of a primary account number."""


_ID = re.compile(
    r"(?i)(?<![0-9a-z])(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|(?:[a-z]+_)?[0-9a-f]{32})(?![0-9a-z])"
)
"""UUIDs and ids made of one: one in some hundred holds a run of digits that passes for a card number."""


def holds_card_number(text: str) -> bool:
    """Whether digits in `text`, ids aside, have a card number's length and pass the Luhn check."""
    if len(text) < DIGITS_MIN or not _DIGITS_WITH_GAPS.search(text):
        return False
    return any(_passes_luhn(match.group()) for match in _DIGITS_WITH_GAPS.finditer(_ID.sub("id", text)))


def without_card_numbers(text: str) -> str:
    """`text` with every card number in it masked: for logs."""
    return _DIGITS_WITH_GAPS.sub(_masked, text) if holds_card_number(text) else text


def _masked(match: re.Match[str]) -> str:
    return "[card number]" if _passes_luhn(match.group()) else match.group()


def _passes_luhn(candidate: str) -> bool:
    digits = [int(char) for char in reversed(candidate) if char.isdigit()]
    doubled = (digit * 2 for digit in digits[1::2])
    return (sum(digits[::2]) + sum(d - 9 if d > 9 else d for d in doubled)) % 10 == 0
