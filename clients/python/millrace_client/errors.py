"""What can go wrong, as exceptions: one class for each way in which a caller would go on, and the published code in each.

No I/O here. Messages never hold an API key.
"""

from millrace_client.objects import FieldProblem, Payment, ProblemDocument, Refund

CONNECTION_FAILED, NOT_UNDERSTOOD, STILL_UNSETTLED = "connection_failed", "not_understood", "still_unsettled"
"""Codes of this client's own; all others are the service's."""

RETRYABLE_STATUS = frozenset({408, 429, 502, 503, 504})
"""Where nothing else is said, as by a load balancer in between."""


class MillraceError(Exception):
    """`code` is what to branch on. `idempotency_key`: of the request that failed; with it the same request is the same one.

    `status`: of HTTP, None where there was no answer. `retryable`: the same request, with the same key, may succeed later.
    """

    def __init__(self, problem: ProblemDocument, idempotency_key: str | None = None) -> None:
        super().__init__(problem, idempotency_key)
        self.problem, self.idempotency_key = problem, idempotency_key

    def __str__(self) -> str:
        told = self.problem.request_id
        return f"{self.code}: {self.problem.detail}" + (f" ({told})" if told else "")

    @property
    def code(self) -> str:
        return self.problem.code

    @property
    def status(self) -> int | None:
        return self.problem.status or None

    @property
    def detail(self) -> str:
        return self.problem.detail

    @property
    def errors(self) -> tuple[FieldProblem, ...]:
        """Each wrong field of the request, all at once."""
        return self.problem.errors

    @property
    def request_id(self) -> str | None:
        """To quote to whoever runs the service."""
        return self.problem.request_id

    @property
    def retryable(self) -> bool:
        if self.problem.retryable is not None:
            return self.problem.retryable
        return self.problem.status in RETRYABLE_STATUS


class Unauthenticated(MillraceError):
    """The API key is missing, unknown, revoked, or of the other mode."""


class Forbidden(MillraceError):
    """The API key lacks a scope."""


class NotFound(MillraceError):
    """There is no such thing, or it is somebody else's."""


class Invalid(MillraceError):
    """The request is not well-formed; `errors` names each field. The program is to be changed."""


class KeyReused(MillraceError):
    """The idempotency key was used for another request before: nothing was done."""


class Conflict(MillraceError):
    """The payment is not in a state in which this can be done. Read it, and decide anew."""


class Refused(MillraceError):
    """Understood, and not to be done: an amount, a currency, a rule of the merchant's or of Stripe's says no."""


class RateLimited(MillraceError):
    """Too many requests, and the patience for them has ended."""


class Unavailable(MillraceError):
    """It could not be served, or not in time; whether it was accepted may not be known. Ask again with the same key."""


class ConnectionFailed(Unavailable):
    """No answer came: whether the request was carried out is not known. Ask again with the same key."""


class NotUnderstood(MillraceError):
    """What came back is not this service's answer: something in between, or a version that this client does not know."""


class StillUnsettled(MillraceError, TimeoutError):
    """The time to wait is over, and the end is not known yet. `last`: as it was last seen, if it was."""

    def __init__(
        self,
        problem: ProblemDocument,
        idempotency_key: str | None = None,
        last: Payment | Refund | None = None,
    ) -> None:
        super().__init__(problem, idempotency_key)
        self.last = last


CLASSES: dict[str, type[MillraceError]] = {
    "unauthenticated": Unauthenticated,
    "forbidden": Forbidden,
    "not_found": NotFound,
    "validation_failed": Invalid,
    "idempotency_key_missing": Invalid,
    "payload_too_large": Invalid,
    "unsupported_media_type": Invalid,
    "method_not_allowed": Invalid,
    "malformed_request": Invalid,
    "signature_invalid": Invalid,
    "idempotency_key_reused": KeyReused,
    "idempotency_key_in_use": Unavailable,
    "payment_state_conflict": Conflict,
    "refundable_mismatch": Conflict,
    "payment_disputed": Conflict,
    "refund_exists": Conflict,
    "command_expired": Conflict,
    "limit_exceeded": Conflict,
    "amount_too_large": Refused,
    "amount_too_small": Refused,
    "currency_unsupported": Refused,
    "capture_exceeds_authorized": Refused,
    "refund_exceeds_refundable": Refused,
    "refund_window_closed": Refused,
    "provider_refused": Refused,
    "rate_limited": RateLimited,
    "unavailable": Unavailable,
    "request_timeout": Unavailable,
    "internal_error": Unavailable,
}
"""Of each code that the service publishes. One that is not here yet is a plain MillraceError."""


def of(problem: ProblemDocument, idempotency_key: str | None) -> MillraceError:
    return CLASSES.get(problem.code, MillraceError)(problem, idempotency_key)


def own(code: str, detail: str, retryable: bool = False, status: int = 0) -> ProblemDocument:
    """A problem that nobody but this client saw."""
    return ProblemDocument(code=code, detail=detail, retryable=retryable, status=status)
