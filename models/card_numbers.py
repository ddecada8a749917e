"""Recognises what looks like a card number, so that it is refused at every door. Never stores, logs or returns one."""

import re
import unicodedata
from collections.abc import Iterator

DIGITS_MIN, DIGITS_MAX = 13, 19
"""Source: ISO/IEC 7812, length of a primary account number; shorter ones are none of the networks' any more."""

_BEGIN = re.compile("2(?!0)|[3-6]")
"""The industries of those who issue cards. Moments in milliseconds or nanoseconds begin with 1, dates of this century with
20, and people make keys and references of them. Source: ISO/IEC 7812, major industry identifier; under 2 the ranges of
Mastercard (2221 to 2720) and Mir (2200 to 2204) are all that is issued.
"""

_RUN = re.compile(r"\d(?:[ .-]?\d){12,}", re.ASCII)
_GROUP = re.compile(r"\d+", re.ASCII)
"""Digits with single gaps. A number is some neighbouring groups of a run: an expiry date or an amount may stand beside it."""

_ID = re.compile(
    r"(?i)(?<![0-9a-z])(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|(?:[a-z]+_)?[0-9a-f]{32})(?![0-9a-z])"
)
"""UUIDs and ids made of one: one in some hundred holds a run of digits that passes for a card number."""

Span = tuple[int, int]


def holds_card_number(text: str) -> bool:
    """Whether digits in `text`, ids aside, have a card number's length and first digit and pass the Luhn check."""
    if len(text) < DIGITS_MIN:
        return False
    plain = _plain(text)
    if not _RUN.search(plain):
        return False
    return any(True for _ in _card_numbers(_ID.sub("id", plain)))


def without_card_numbers(text: str) -> str:
    """`text` with every card number in it masked: for logs."""
    if not holds_card_number(text):
        return text
    parts, done = [], 0
    for start, end in _card_numbers(_plain(text)):
        parts += [text[done:start], "[card number]"]
        done = end
    return "".join([*parts, text[done:]])


def _plain(text: str) -> str:
    """`text`, as long as it was; where it has enough digits of any script, these, blanks and hyphens as ASCII writes them."""
    if text.isascii() or sum(map(str.isdecimal, text)) < DIGITS_MIN:
        return text
    return "".join(map(_plain_character, text))


def _plain_character(character: str) -> str:
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    category = unicodedata.category(character)
    return " " if category == "Zs" else "-" if category == "Pd" else character


def _card_numbers(text: str) -> Iterator[Span]:
    """From left to right, none within another."""
    for run in _RUN.finditer(text):
        groups = [group.span() for group in _GROUP.finditer(text, *run.span())]
        first = 0
        while first < len(groups):
            behind = _end_of_number(text, groups, first)
            if behind is not None:
                yield groups[first][0], groups[behind - 1][1]
            first = behind or first + 1


def _end_of_number(text: str, groups: list[Span], first: int) -> int | None:
    """The group behind the longest card number that begins with the group `first`."""
    digits, found = "", None
    if not _BEGIN.match(text, groups[first][0]):
        return None
    for place in range(first, len(groups)):
        digits += text[slice(*groups[place])]
        if len(digits) > DIGITS_MAX:
            break
        if len(digits) >= DIGITS_MIN and _passes_luhn(digits):
            found = place + 1
    return found


def _passes_luhn(candidate: str) -> bool:
    digits = [int(char) for char in reversed(candidate)]
    doubled = (digit * 2 for digit in digits[1::2])
    return (sum(digits[::2]) + sum(d - 9 if d > 9 else d for d in doubled)) % 10 == 0
