"""Problems: what the door says when it does not do what was asked, as RFC 9457 documents. The one table of HTTP statuses.

A problem never repeats what the client sent: it may be a card number.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from models.card_numbers import holds_card_number
from models.codes import Code
from models.commands import FieldError
from models.errors import Unavailable

CONTENT_TYPE = "application/problem+json"
ERRORS_MAX = 50
RETRY_AFTER_S = 1
"""When to try again what could not be done now: about a takeover's shortest time."""

STATUS: dict[Code, int] = {
    Code.NOT_FOUND: 404,
    Code.VALIDATION_FAILED: 422,
    Code.PAYMENT_STATE_CONFLICT: 409,
    Code.IDEMPOTENCY_KEY_REUSED: 422,
    Code.AMOUNT_TOO_LARGE: 422,
    Code.AMOUNT_TOO_SMALL: 422,
    Code.CURRENCY_UNSUPPORTED: 422,
    Code.CAPTURE_EXCEEDS_AUTHORIZED: 422,
    Code.REFUND_EXCEEDS_REFUNDABLE: 422,
    Code.REFUNDABLE_MISMATCH: 409,
    Code.PAYMENT_DISPUTED: 409,
    Code.REFUND_WINDOW_CLOSED: 422,
    Code.REFUND_EXISTS: 409,
    Code.COMMAND_EXPIRED: 409,
    Code.PROVIDER_REFUSED: 422,
    Code.LIMIT_EXCEEDED: 409,
    Code.UNAUTHENTICATED: 401,
    Code.FORBIDDEN: 403,
    Code.IDEMPOTENCY_KEY_MISSING: 400,
    Code.IDEMPOTENCY_KEY_IN_USE: 409,
    Code.PAYLOAD_TOO_LARGE: 413,
    Code.UNSUPPORTED_MEDIA_TYPE: 415,
    Code.METHOD_NOT_ALLOWED: 405,
    Code.SIGNATURE_INVALID: 400,
    Code.RATE_LIMITED: 429,
    Code.UNAVAILABLE: 503,
    Code.MALFORMED_REQUEST: 400,
    Code.REQUEST_TIMEOUT: 408,
    Code.INTERNAL_ERROR: 500,
}
"""Every code that HTTP can answer with. What is not here is a dead letter's, and never answered over HTTP."""

_SAYABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}", re.ASCII)

RETRYABLE = frozenset(
    {
        Code.IDEMPOTENCY_KEY_IN_USE,
        Code.RATE_LIMITED,
        Code.UNAVAILABLE,
        Code.REQUEST_TIMEOUT,
        Code.INTERNAL_ERROR,
    }
)
"""The same request, with the same key, may well be answered otherwise later."""


class Problem(Exception):
    """Ends a request. `detail` is for people and never holds what the client sent; `param` is the field at fault."""

    def __init__(
        self,
        code: Code,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        replayed: bool = False,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code, self.detail, self.errors, self.replayed = code, detail, tuple(errors), replayed
        self.headers, self.more = dict(headers or {}), dict(more or {})
        if code is Code.UNAVAILABLE or code is Code.RATE_LIMITED:
            self.headers.setdefault("Retry-After", str(RETRY_AFTER_S))

    @property
    def status(self) -> int:
        return STATUS[self.code]

    def document(self, request_id: str) -> dict[str, Any]:
        """The body to send. Source: RFC 9457, sections 3.1 and 3.2."""
        return {
            "type": f"urn:millrace:problem:{self.code}",
            "title": title(self.code),
            "status": self.status,
            "detail": self.detail,
            "instance": f"urn:millrace:request:{request_id}",
            "code": self.code.value,
            "param": self.errors[0].field if self.errors else None,
            "errors": [{"field": error.field, "message": error.message} for error in self.errors],
            "request_id": request_id,
            "retryable": self.code in RETRYABLE,
            **self.more,
        }


def sayable(name: str) -> str:
    """`name` where a field may be called that; what a client made up may be anything, a card number too."""
    return name if _SAYABLE.fullmatch(name) and not holds_card_number(name) else "(unknown)"


def title(code: Code) -> str:
    return code.value.replace("_", " ").capitalize()


def invalid(errors: Sequence[FieldError]) -> Problem:
    """Of very many errors the first ERRORS_MAX are told."""
    errors = errors[:ERRORS_MAX]
    detail = "; ".join(f"{error.field} {error.message}" for error in errors[:3])
    return Problem(Code.VALIDATION_FAILED, detail if len(errors) < 4 else f"{detail}; …", errors=errors)


def unavailable(detail: str) -> Problem:
    return Problem(Code.UNAVAILABLE, detail)


def problem_of(failed: Exception) -> Problem:
    """What is said of whatever ended a request, through any door. It never quotes what failed."""
    if isinstance(failed, Problem):
        return failed
    if isinstance(failed, Unavailable):
        return unavailable("This cannot be read now; try again.")
    return Problem(
        Code.INTERNAL_ERROR, "Something failed here. The same request can be made again, with its key."
    )
