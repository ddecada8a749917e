"""What an answer of Stripe's means: one table, pure. What is done about it is `stripe_provider`'s business.

Source: Stripe, errors (types and codes), error handling low level (which statuses are safe to send again), idempotent
requests (what is stored under a key).
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from streams.adapters.stripe_objects import safe_text
from streams.adapters.stripe_transport import Answer, Silence


class Meaning(Enum):
    DONE = auto()  # 2xx that parses
    DECLINED = auto()  # 402: the issuer or the risk rules said no
    REFUSED = auto()  # 400, 404: not executed
    CONVERGE = (
        auto()
    )  # refused because the thing already is in another state: perhaps our own earlier success
    STALE_KEY = (
        auto()
    )  # the key came with other parameters before: our bug, or not our key any more. Never a failure
    CONFIGURATION = auto()  # 401, 403: turned away before anything was looked at; or by us, as a 403 said
    BUSY = auto()  # 429: not executed
    IN_FLIGHT = auto()  # 409: an earlier send under this key is being executed
    NOT_SENT = auto()
    TURNED_AWAY = auto()  # by ourselves: no room, or the account is paused
    UNKNOWN = auto()  # it may have been executed


MAY_HAVE_RUN = frozenset({Meaning.UNKNOWN, Meaning.IN_FLIGHT})
SENT_AGAIN = frozenset({Meaning.UNKNOWN, Meaning.IN_FLIGHT, Meaning.BUSY, Meaning.NOT_SENT})
"""Worth the same key again at once, unless Stripe-Should-Retry says otherwise."""

CONVERGING_CODES = frozenset(
    {"payment_intent_unexpected_state", "charge_already_captured", "charge_already_refunded"}
)
BUSY_CODES = frozenset({"rate_limit", "lock_timeout"})


def meaning_of(heard: Answer | Silence) -> Meaning:
    if isinstance(heard, Silence):
        if heard.turned_away:
            return Meaning.CONFIGURATION if heard.forbidden else Meaning.TURNED_AWAY
        return Meaning.UNKNOWN if heard.sent else Meaning.NOT_SENT
    if 200 <= heard.status < 300:
        return Meaning.DONE if heard.body is not None else Meaning.UNKNOWN
    error = error_of(heard)
    if error is None:  # not Stripe's envelope: something between us and Stripe said this
        return Meaning.UNKNOWN
    match heard.status:
        case 402:
            return Meaning.DECLINED
        case 401 | 403:
            return Meaning.CONFIGURATION
        case 409:
            return Meaning.IN_FLIGHT
        case 429:
            return Meaning.BUSY
        case 400 | 404:
            return _refusal(error, heard.should_retry)
    return Meaning.UNKNOWN


def is_worth_repeating(heard: Answer | Silence) -> bool:
    """Whether to send the same key again within the slot. Stripe's own word on it overrides ours."""
    meaning = meaning_of(heard)
    if meaning is Meaning.DONE:
        return False
    if isinstance(heard, Answer) and heard.should_retry is not None:
        return heard.should_retry
    return meaning in SENT_AGAIN and not is_stored_failure(heard)


def is_over_the_rate(answer: Answer) -> bool:
    """A 429 that speaks of how much is sent; of one object speak `lock_timeout`, and the limit on the changes of one.

    Source: Stripe, rate limits: 1,000 updates of one PaymentIntent per hour; Stripe-Rate-Limited-Reason.
    """
    of_one_object = code_of(answer) == "lock_timeout" or answer.limited_by == "resource-specific"
    return answer.status == 429 and not of_one_object


def is_stored_failure(heard: Answer | Silence) -> bool:
    """A 5xx that comes from the key's store: the execution has ended, and this key will never tell more than this."""
    return isinstance(heard, Answer) and heard.status >= 500 and heard.replayed


def error_of(answer: Answer) -> Mapping[str, Any] | None:
    error = answer.body.get("error") if answer.body is not None else None
    return error if isinstance(error, Mapping) else None


def code_of(answer: Answer) -> str:
    error = error_of(answer) or {}
    code = error.get("code") or error.get("type")
    return code if isinstance(code, str) else f"http_{answer.status}"


def reason_of(heard: Answer | Silence) -> str:
    """For logs and operators: what came back, and Stripe's own words where there are any, without secrets."""
    if isinstance(heard, Silence):
        return heard.reason
    return f"HTTP {heard.status} {code_of(heard)}: {message_of(heard)}"


def message_of(answer: Answer) -> str:
    """For clients, beside `code_of`: Stripe's own sentence, without secrets."""
    message = (error_of(answer) or {}).get("message")
    return safe_text(message) if isinstance(message, str) and message else "Stripe gave no reason."


def _refusal(error: Mapping[str, Any], should_retry: bool | None) -> Meaning:
    code = error.get("code")
    if code == "idempotency_key_in_use":
        return Meaning.IN_FLIGHT
    if error.get("type") == "idempotency_error":
        return Meaning.STALE_KEY
    if code in BUSY_CODES or should_retry:  # not executed, and Stripe wants it again
        return Meaning.BUSY
    return Meaning.CONVERGE if code in CONVERGING_CODES else Meaning.REFUSED
