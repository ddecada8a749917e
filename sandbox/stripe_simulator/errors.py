"""Stripe's error envelope and the errors the simulator knows, each in one place.

Source: docs.stripe.com/api/errors, docs.stripe.com/error-codes, docs.stripe.com/error-low-level.
"""

from __future__ import annotations

from .records import JSON


class StripeError(Exception):
    """An error answer. Raised: nothing was done. Returned by an endpoint: what it did is kept (a declined charge)."""

    def __init__(
        self,
        status: int,
        type: str,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        should_retry: bool | None = None,
        extra: JSON | None = None,
        limited_by: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.type = type
        self.message = message
        self.code = code
        self.param = param
        self.should_retry = should_retry
        self.extra: JSON = extra or {}
        self.limited_by = limited_by  # which rate limit was met

    def envelope(self, request_id: str) -> JSON:
        error: JSON = {
            "message": self.message,
            "request_log_url": f"https://dashboard.stripe.com/test/logs/{request_id}",
            "type": self.type,
        }
        if self.code:
            error["code"] = self.code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        if self.param:
            error["param"] = self.param
        error.update({name: value for name, value in self.extra.items() if value is not None})
        return {"error": error}


def invalid(
    message: str, param: str | None = None, code: str | None = None, extra: JSON | None = None
) -> StripeError:
    return StripeError(400, "invalid_request_error", message, code=code, param=param, extra=extra)


def missing(name: str) -> StripeError:
    return invalid(f"Missing required param: {name}.", name, "parameter_missing")


def no_such(kind: str, object_id: str, param: str | None = None) -> StripeError:
    """404 where the id is the URL's, 400 where it is a parameter."""
    status = 404 if param in (None, "intent", "id") else 400
    message = f"No such {kind}: '{object_id}'"
    return StripeError(status, "invalid_request_error", message, code="resource_missing", param=param or "id")


def unexpected_state(message: str, intent: object = None) -> StripeError:
    """With the intent as it stands, so that the caller can converge."""
    return invalid(message, code="payment_intent_unexpected_state", extra={"payment_intent": intent})


def unauthenticated(api_key: str | None) -> StripeError:
    if not api_key:
        text = (
            "You did not provide an API key. You need to provide your API key in the Authorization header, "
            "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
    else:
        text = f"Invalid API Key provided: {api_key[:7]}{'*' * 8}{api_key[-4:]}"
    return StripeError(401, "invalid_request_error", text)


def forbidden(account: str) -> StripeError:
    text = f"The provided key does not have access to account '{account}' (or that account does not exist)."
    return StripeError(403, "invalid_request_error", text, code="account_invalid")


def unknown_url(method: str, path: str) -> StripeError:
    return StripeError(404, "invalid_request_error", f"Unrecognized request URL ({method}: {path}).")


def rate_limited(limited_by: str | None = None) -> StripeError:
    text = "Request rate limit exceeded. You can learn more about rate limits here https://stripe.com/docs/rate-limits."
    return StripeError(429, "invalid_request_error", text, code="rate_limit", limited_by=limited_by)


def lock_timeout() -> StripeError:
    text = (
        "This object cannot be accessed right now because another API request or Stripe process is currently "
        "accessing it. If you see this error intermittently, retry the request."
    )
    return StripeError(429, "invalid_request_error", text, code="lock_timeout", should_retry=True)


def key_in_use(key: str) -> StripeError:
    text = (
        "There is currently another in-progress request using this Idempotency Key (that probably means you "
        f"submitted twice, and the other request is still going through): {key}. Please try again later."
    )
    return StripeError(409, "idempotency_error", text, code="idempotency_key_in_use", should_retry=True)


def key_too_long() -> StripeError:
    return invalid("Idempotency keys can be at most 255 characters long.")


def key_with_other_parameters(key: str) -> StripeError:
    text = (
        "Keys for idempotent requests can only be used with the same parameters they were first used with. "
        f"Try using a key other than '{key}' if you meant to execute a different request."
    )
    return StripeError(400, "idempotency_error", text)


def key_on_other_endpoint(key: str, first: str) -> StripeError:
    text = (
        f"Keys for idempotent requests can only be used for the same endpoint they were first used for "
        f"('{first}'). Try using a key other than '{key}' if you meant to execute a different request."
    )
    return StripeError(400, "idempotency_error", text)


def internal(should_retry: bool | None = None) -> StripeError:
    text = "An unknown error occurred while processing your request."
    return StripeError(500, "api_error", text, should_retry=should_retry)


def overloaded() -> StripeError:
    return StripeError(503, "api_error", "Stripe is temporarily unavailable.", should_retry=True)
