"""An example of every problem, for the OpenAPI document. Which status a code has is the business of `web.problems`."""

from typing import Any

from models.codes import Code
from models.commands import FieldError
from web.problems import Problem

REQUEST_ID = "req_0f5a3b00e2dc368ce085046f15ec1520"

SAID: dict[Code, str] = {
    Code.NOT_FOUND: "There is no such payment.",
    Code.VALIDATION_FAILED: "amount must be an integer, in minor units of the currency; x is not a member of this request",
    Code.PAYMENT_STATE_CONFLICT: "a payment that is declined cannot be captured",
    Code.IDEMPOTENCY_KEY_REUSED: "this idempotency key, or command id, came before with another content",
    Code.AMOUNT_TOO_LARGE: "at most 999999999999 usd (minor units)",
    Code.AMOUNT_TOO_SMALL: "at least 50 usd (minor units)",
    Code.CURRENCY_UNSUPPORTED: "payments cannot be made in this currency",
    Code.CAPTURE_EXCEEDS_AUTHORIZED: "1999 (minor units) can be captured",
    Code.REFUND_EXCEEDS_REFUNDABLE: "1499 (minor units) is refundable",
    Code.REFUNDABLE_MISMATCH: "1499 (minor units) is refundable",
    Code.PAYMENT_DISPUTED: "what is charged back cannot be refunded as well",
    Code.REFUND_WINDOW_CLOSED: "the merchant refunds up to 90 days after the capture",
    Code.REFUND_EXISTS: "another command has already made a refund under this id",
    Code.COMMAND_EXPIRED: "the command waited longer than 20 h",
    Code.PROVIDER_REFUSED: "Stripe said no, and nothing happened there",
    Code.LIMIT_EXCEEDED: "at most 50 cancellations of one payment",
    Code.UNAUTHENTICATED: "This API key is not known, or was revoked.",
    Code.FORBIDDEN: "This API key lacks the scope payments:write.",
    Code.IDEMPOTENCY_KEY_MISSING: "This request needs an Idempotency-Key header, so that it can safely be repeated.",
    Code.IDEMPOTENCY_KEY_IN_USE: "A request with this key is being carried out; send it again.",
    Code.PAYLOAD_TOO_LARGE: "The body must be at most 256 KiB.",
    Code.UNSUPPORTED_MEDIA_TYPE: "The body must be application/json in UTF-8.",
    Code.METHOD_NOT_ALLOWED: "This address does not take this method.",
    Code.SIGNATURE_INVALID: "The signature is not Stripe's, or its time is off.",
    Code.RATE_LIMITED: "More was asked than this key may; try again.",
    Code.UNAVAILABLE: "Not accepted, as far as is known. Repeat the request with the same Idempotency-Key.",
    Code.MALFORMED_REQUEST: "The request is not well-formed HTTP.",
    Code.REQUEST_TIMEOUT: "The body did not come in time.",
    Code.INTERNAL_ERROR: "Something failed here. The same request can be made again, with its key.",
}
"""A sentence as each code comes with. They are for people, and not promised."""

_FAULTS = (
    FieldError("amount", "must be an integer, in minor units of the currency"),
    FieldError("x", "is not a member of this request"),
)


def problem(code: Code) -> dict[str, Any]:
    errors = _FAULTS if code is Code.VALIDATION_FAILED else ()
    return Problem(code, SAID[code], errors=errors).document(REQUEST_ID)
