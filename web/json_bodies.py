"""JSON as the door takes it: one object in UTF-8, no member twice, no number that is none, not deep. Nothing of payments."""

import json
import re
from typing import Any, NoReturn

from models.commands import FieldError
from web.problems import Problem, invalid

BODY_MAX_BYTES = 256 * 1024
"""The largest valid body is some 30 kB: metadata at its limits, each character escaped."""

CONTAINERS_MAX = 64
"""Objects and arrays in one body, counted before it is parsed. A valid one has two."""

MEMBERS_MAX = 100
"""Of one object. A valid one has 50 at most, of metadata: each that is not known would be told of."""

_OPENING_OR_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{]', re.DOTALL)
"""A string need not end: else each quote of a broken body would be looked at to its end."""

_WHOLE_BODY = "body"


def decode(body: bytes) -> dict[str, Any]:
    """The object in `body`; an empty body is an empty object. Raises Problem."""
    if not body.strip():
        return {}
    if _has_too_many_containers(body):
        raise _refused(f"must not hold more than {CONTAINERS_MAX} objects and arrays")
    try:
        value = _DECODER.decode(body.decode())
    except _Twice:
        raise _refused("must not name a member twice") from None
    except _TooMany:
        raise _refused(f"must not hold an object of more than {MEMBERS_MAX} members") from None
    except (
        ValueError,
        RecursionError,
    ):  # UnicodeDecodeError and JSONDecodeError among them: they quote the body
        raise _refused("must be valid JSON in UTF-8") from None
    if not isinstance(value, dict):
        raise _refused("must be a JSON object")
    return value


def _refused(message: str) -> Problem:
    return invalid([FieldError(_WHOLE_BODY, message)])


def _has_too_many_containers(body: bytes) -> bool:
    if body.count(b"{") + body.count(b"[") <= CONTAINERS_MAX:
        return False
    found = 0
    for match in _OPENING_OR_STRING.finditer(body):
        found += not match.group().startswith(b'"')
        if found > CONTAINERS_MAX:
            return True
    return False


class _Twice(ValueError):
    pass


class _TooMany(ValueError):
    pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MEMBERS_MAX:
        raise _TooMany
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Twice
    return members


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number)
