"""Recognises what looks like a card number, so that it is refused at every door. Never stores, logs or returns one."""

import re

_DIGITS_WITH_GAPS = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)", re.ASCII)
"""13 to 19 digits, single blanks or hyphens between them. Source: ISO/IEC 7812, length of a primary account number."""


def holds_card_number(text: str) -> bool:
    """Whether digits in `text` have a card number's length and pass the Luhn check."""
    return any(_passes_luhn(match.group()) for match in _DIGITS_WITH_GAPS.finditer(text))


def _passes_luhn(candidate: str) -> bool:
    digits = [int(char) for char in reversed(candidate) if char.isdigit()]
    doubled = (digit * 2 for digit in digits[1::2])
    return (sum(digits[::2]) + sum(d - 9 if d > 9 else d for d in doubled)) % 10 == 0
