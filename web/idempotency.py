"""The `Idempotency-Key` header: a string, quoted or bare. What it identifies is `models.ids`' business."""

import re

from models.card_numbers import holds_card_number
from models.codes import Code
from models.commands import FieldError
from models.fields import CARD_NUMBER
from web.problems import Problem, invalid

HEADER = "Idempotency-Key"
KEY_MAX_CHARS = 255
"""As long as Stripe's own may be."""

_PRINTABLE = re.compile(r"[\x20-\x7e]+", re.ASCII)
_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
"""Source: RFC 8941, section 3.3.3."""


def key(given: list[str]) -> str:
    """The key in the values of the header: the same one, quoted or not. Raises Problem."""
    if not given or not given[0].strip():
        raise _missing()
    if len(given) > 1:
        raise _invalid("must be given once")
    value = given[0].strip()
    if value.startswith('"'):
        quoted = _QUOTED.fullmatch(value)
        if quoted is None:
            raise _invalid("is a quoted string that does not end, or goes on after its end")
        value = re.sub(r"\\(.)", r"\1", quoted[1])
    if not value.strip():
        raise _missing()
    if len(value) > KEY_MAX_CHARS or not _PRINTABLE.fullmatch(value):
        raise _invalid(f"must be 1 to {KEY_MAX_CHARS} printable ASCII characters")
    if holds_card_number(value):
        raise _invalid(CARD_NUMBER)
    return value


def _missing() -> Problem:
    return Problem(
        Code.IDEMPOTENCY_KEY_MISSING,
        f"This request needs an {HEADER} header, so that it can safely be repeated.",
    )


def _invalid(message: str) -> Problem:
    return invalid([FieldError(HEADER, message)])
