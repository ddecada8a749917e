"""The one table of gRPC statuses, and a problem as a google.rpc.Status. What a problem says is decided elsewhere.

Source: google.rpc.Code and google.rpc.error_details (github.com/googleapis/googleapis, google/rpc).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc import StatusCode
from grpc_status import rpc_status

from models.codes import Code
from web.problems import RETRYABLE, Problem

DOMAIN = "millrace"
RETRY_AFTER = "Retry-After"
REQUEST_ID = "request-id"

VIOLATIONS_MAX_BYTES = 3072
"""Of what is told of fields at fault: clients take 8 KiB of metadata by default, in base64, other things among it."""

STATUS: dict[Code, StatusCode] = {
    Code.NOT_FOUND: StatusCode.NOT_FOUND,
    Code.VALIDATION_FAILED: StatusCode.INVALID_ARGUMENT,
    Code.PAYMENT_STATE_CONFLICT: StatusCode.FAILED_PRECONDITION,
    Code.IDEMPOTENCY_KEY_REUSED: StatusCode.ALREADY_EXISTS,
    Code.AMOUNT_TOO_LARGE: StatusCode.INVALID_ARGUMENT,
    Code.AMOUNT_TOO_SMALL: StatusCode.INVALID_ARGUMENT,
    Code.CURRENCY_UNSUPPORTED: StatusCode.INVALID_ARGUMENT,
    Code.CAPTURE_EXCEEDS_AUTHORIZED: StatusCode.FAILED_PRECONDITION,
    Code.REFUND_EXCEEDS_REFUNDABLE: StatusCode.FAILED_PRECONDITION,
    Code.REFUNDABLE_MISMATCH: StatusCode.ABORTED,  # a test-and-set that failed: read, then ask anew
    Code.PAYMENT_DISPUTED: StatusCode.FAILED_PRECONDITION,
    Code.REFUND_WINDOW_CLOSED: StatusCode.FAILED_PRECONDITION,
    Code.REFUND_EXISTS: StatusCode.ALREADY_EXISTS,
    Code.COMMAND_EXPIRED: StatusCode.FAILED_PRECONDITION,
    Code.PROVIDER_REFUSED: StatusCode.FAILED_PRECONDITION,
    Code.LIMIT_EXCEEDED: StatusCode.FAILED_PRECONDITION,  # of one payment, and for good: no quota that comes back
    Code.UNAUTHENTICATED: StatusCode.UNAUTHENTICATED,
    Code.FORBIDDEN: StatusCode.PERMISSION_DENIED,
    Code.IDEMPOTENCY_KEY_MISSING: StatusCode.INVALID_ARGUMENT,
    Code.IDEMPOTENCY_KEY_IN_USE: StatusCode.ABORTED,
    Code.PAYLOAD_TOO_LARGE: StatusCode.RESOURCE_EXHAUSTED,  # as gRPC itself says it
    Code.UNSUPPORTED_MEDIA_TYPE: StatusCode.INVALID_ARGUMENT,
    Code.METHOD_NOT_ALLOWED: StatusCode.UNIMPLEMENTED,
    Code.SIGNATURE_INVALID: StatusCode.PERMISSION_DENIED,
    Code.RATE_LIMITED: StatusCode.RESOURCE_EXHAUSTED,
    Code.UNAVAILABLE: StatusCode.UNAVAILABLE,
    Code.MALFORMED_REQUEST: StatusCode.INVALID_ARGUMENT,
    Code.REQUEST_TIMEOUT: StatusCode.DEADLINE_EXCEEDED,
    Code.INTERNAL_ERROR: StatusCode.INTERNAL,
}
"""Every code that the door can answer with, as HTTP's table has them."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call that failed ends: what gRPC's `abort` takes."""

    status: StatusCode
    detail: str
    trailing: tuple[tuple[str, str | bytes], ...]


def ending(problem: Problem, request_id: str) -> Ending:
    """The headers that HTTP would send come as trailing metadata."""
    code: int = STATUS[problem.code].value[0]  # a pair: its number, its name
    status = Status(code=code, message=problem.detail)
    for detail in _details(problem, request_id):
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    rich = rpc_status.to_status(status)
    headers = tuple((name.lower(), value) for name, value in problem.headers.items())
    return Ending(rich.code, rich.details, (*rich.trailing_metadata, (REQUEST_ID, request_id), *headers))


def _details(problem: Problem, request_id: str) -> Iterator[Message]:
    about = {
        "code": problem.code.value,
        "request_id": request_id,
        "retryable": str(problem.code in RETRYABLE).lower(),
        **{name: value for name, value in problem.more.items() if isinstance(value, str)},
        **({"replayed": "true"} if problem.replayed else {}),
    }
    yield ErrorInfo(reason=problem.code.value.upper(), domain=DOMAIN, metadata=about)
    if problem.errors:
        yield _violations(problem)
    if RETRY_AFTER in problem.headers:
        retry = RetryInfo()
        retry.retry_delay.FromSeconds(int(problem.headers[RETRY_AFTER]))
        yield retry


def _violations(problem: Problem) -> BadRequest:
    """As many as there is room for, the first ones."""
    told = BadRequest()
    for error in problem.errors:
        told.field_violations.add(field=error.field, description=error.message)
        if told.ByteSize() > VIOLATIONS_MAX_BYTES:
            del told.field_violations[-1]
            break
    return told
