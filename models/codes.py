"""The published list of codes: every refusal, problem and dead letter carries one of these. No HTTP status here."""

from enum import StrEnum


class Code(StrEnum):
    """Why something was not done. Clients branch on these; they are never renamed."""

    # refusals: the command was understood and will not be carried out
    NOT_FOUND = "not_found"  # also: somebody else's
    VALIDATION_FAILED = "validation_failed"
    PAYMENT_STATE_CONFLICT = "payment_state_conflict"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    AMOUNT_TOO_LARGE = "amount_too_large"
    AMOUNT_TOO_SMALL = "amount_too_small"
    CURRENCY_UNSUPPORTED = "currency_unsupported"
    CAPTURE_EXCEEDS_AUTHORIZED = "capture_exceeds_authorized"
    REFUND_EXCEEDS_REFUNDABLE = "refund_exceeds_refundable"
    REFUNDABLE_MISMATCH = "refundable_mismatch"  # expected_refundable differs from what is left
    PAYMENT_DISPUTED = "payment_disputed"  # what is charged back cannot be refunded as well
    REFUND_WINDOW_CLOSED = "refund_window_closed"  # the merchant's own policy
    RESOLUTION_INVALID = "resolution_invalid"  # a person found what cannot be here
    REFUND_EXISTS = "refund_exists"  # another command already made a refund under this id
    COMMAND_EXPIRED = "command_expired"
    PROVIDER_REFUSED = "provider_refused"  # Stripe said no and nothing happened there
    LIMIT_EXCEEDED = "limit_exceeded"  # too many commands, captures or refunds on one payment

    # the door's own
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    IDEMPOTENCY_KEY_MISSING = "idempotency_key_missing"
    IDEMPOTENCY_KEY_IN_USE = "idempotency_key_in_use"
    PAYLOAD_TOO_LARGE = "payload_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    SIGNATURE_INVALID = "signature_invalid"  # a webhook that is not Stripe's
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    MALFORMED_REQUEST = "malformed_request"  # not HTTP as it is written
    REQUEST_TIMEOUT = "request_timeout"  # the body did not come in time
    INTERNAL_ERROR = "internal_error"  # a bug of ours, logged and counted

    # dead letters: the record could not become a command or an event
    UNDECODABLE = "undecodable"
    UNKNOWN_TYPE = "unknown_type"
    KEY_INVALID = "key_invalid"
    HEADER_MISSING = "header_missing"
    UNSIGNED = "unsigned"  # an internal type without the internal producers' signature
    VALUE_TOO_LARGE = "value_too_large"
    INVARIANT_BROKEN = "invariant_broken"
