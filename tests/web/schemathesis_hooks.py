"""What schemathesis must know of this door beyond its document: loaded by the run in `test_schemathesis.py`, not by pytest."""

from itertools import count
from typing import Any

import schemathesis

_NOT_IN_A_SCHEMA = {"ending_before", "to", "url"}
"""Fields at fault only beside another one, and whether a URL is one of the public internet: no schema can say so."""

_numbers = count(1)


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Each request means something new. One key for all would be refused as used before, and nothing else be tried."""
    if case.meta.generation.mode.is_positive and "Idempotency-Key" in (case.headers or {}):
        case.headers["Idempotency-Key"] = f"{case.headers['Idempotency-Key'][:200]}-{next(_numbers)}"


@schemathesis.check
def what_the_schema_allows_is_understood(context: Any, response: Any, case: Any) -> None:
    """The rules may refuse it, by a code of their own. It is never said to be malformed."""
    if not case.meta.generation.mode.is_positive or response.status_code < 400:
        return
    told = response.json()
    if told["code"] in (
        "validation_failed",
        "malformed_request",
        "unsupported_media_type",
        "payload_too_large",
    ):
        assert (
            told["param"] in _NOT_IN_A_SCHEMA
            or _is_written_as_no_integer(case)
            or "multiples of" in told["detail"]
        ), told


def _is_written_as_no_integer(case: Any) -> bool:
    """To JSON Schema 5.0 is an integer; to a door that counts money it is not."""
    return isinstance(case.body, dict) and any(isinstance(value, float) for value in case.body.values())
