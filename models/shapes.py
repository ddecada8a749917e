"""What the value of a public command must look like, whichever door it comes through: names, types, limits, wording.

`parse` makes a command of a decoded JSON object, or an `InvalidCommand` that names every fault; it never raises and never
repeats a value. Whether the command can be carried out is not asked here (`rules.py`), nor who sent it.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from models.commands import (
    CancelPayment,
    CapturePayment,
    CreatePayment,
    CreateRefund,
    FieldError,
    InvalidCommand,
    Origin,
    PublicCommand,
    ResolvePayment,
)
from models.fields import (
    CANCELLATION_REASONS,
    CAPTURE_METHODS,
    CURRENCY,
    CUSTOMER_MAX_CHARS,
    DESCRIPTION_MAX_CHARS,
    PAYMENT_INTENT,
    PAYMENT_METHOD,
    RECEIPT_EMAIL,
    REFUND_ID_PATTERN,
    REFUND_REASONS,
    RESOLUTIONS,
    RETURN_URL,
    STATEMENT_SUFFIX,
    Field,
    amount,
    matching,
    metadata,
    one,
    one_of,
    text,
    yes_or_no,
)
from models.ids import REFUND_ID
from models.money import Money
from models.terms import CaptureMethod, PaymentTerms

TYPES = CREATE, CAPTURE, CANCEL, REFUND, RESOLVE = (
    "payment.create.v1",
    "payment.capture.v1",
    "payment.cancel.v1",
    "refund.create.v1",
    "payment.resolve.v1",
)
"""The public commands, as the `ce_type` of their records."""

FIELDS: dict[str, dict[str, Field]] = {
    CREATE: {
        "amount": one(amount(least=1), required=True),
        "currency": one(matching(CURRENCY), required=True),
        "payment_method": one(matching(PAYMENT_METHOD), required=True),
        "capture_method": one(one_of(CAPTURE_METHODS)),
        "description": one(text(DESCRIPTION_MAX_CHARS)),
        "customer": one(text(CUSTOMER_MAX_CHARS, least=1)),
        "receipt_email": one(matching(RECEIPT_EMAIL)),
        "statement_descriptor_suffix": one(matching(STATEMENT_SUFFIX)),
        "return_url": one(matching(RETURN_URL)),
        "off_session": one(yes_or_no),
        "metadata": Field(metadata),
    },
    CAPTURE: {"amount": one(amount(least=1)), "final": one(yes_or_no)},
    CANCEL: {"reason": one(one_of(CANCELLATION_REASONS))},
    REFUND: {
        "amount": one(amount(least=1)),
        "reason": one(one_of(REFUND_REASONS)),
        "expected_refundable": one(amount(least=0)),
        "metadata": Field(metadata),
    },
    RESOLVE: {
        "resolution": one(one_of(RESOLUTIONS), required=True),
        "evidence": one(text(DESCRIPTION_MAX_CHARS, least=1), required=True),
        "operator": one(text(CUSTOMER_MAX_CHARS, least=1), required=True),
        "refund": one(matching(REFUND_ID_PATTERN)),
        "amount": one(amount(least=0)),
        "payment_intent": one(matching(PAYMENT_INTENT)),
    },
}
"""By command type: the members of the value that say what is wanted. `merchant` and `refund` say who and which."""


def parse(
    type: str, value: Mapping[str, object], origin: Origin, refund_id: str | None = None
) -> PublicCommand:
    """The command of `type`, one of FIELDS, that `value` holds; other members are ignored. JSON null is nothing said.

    `refund_id` names the refund to be made where the value does not (its member `refund`).
    """
    errors = faults(type, value)
    refund = refund_id or value.get("refund")
    if type == REFUND and not (isinstance(refund, str) and REFUND_ID.fullmatch(refund)):
        errors.append(FieldError("refund", "must be re_ and 32 lowercase hexadecimal digits"))
    if errors:
        return InvalidCommand(origin, type, _digest(type, value, refund), tuple(errors))
    given = {name: value[name] for name in FIELDS[type] if value.get(name) is not None}
    return _command(type, given, origin, str(refund))


def faults(type: str, value: Mapping[str, object]) -> list[FieldError]:
    """Everything that keeps `value` from being a command of `type`, in the order of its fields."""
    found: list[FieldError] = []
    for name, field in FIELDS[type].items():
        given = value.get(name)
        if given is None:
            if field.required:
                found.append(FieldError(name, "is required"))
        elif wrong := field.faults(name, given):
            found.extend(FieldError(*fault) for fault in wrong)
    return found


def _command(type: str, given: dict[str, Any], origin: Origin, refund_id: str) -> PublicCommand:
    amount_minor, reason = given.get("amount"), given.get("reason")
    if type == CREATE:
        return CreatePayment(origin, _terms(given))
    if type == CAPTURE:
        return CapturePayment(origin, amount_minor, given.get("final", True))
    if type == CANCEL:
        return CancelPayment(origin, reason)
    if type == RESOLVE:
        words = given["resolution"], given["evidence"], given["operator"]
        return ResolvePayment(origin, *words, given.get("refund"), amount_minor, given.get("payment_intent"))
    expected, metadata = given.get("expected_refundable"), given.get("metadata", {})
    return CreateRefund(origin, refund_id, amount_minor, reason, expected, metadata)


def _terms(given: dict[str, Any]) -> PaymentTerms:
    money = Money(given.pop("amount"), given.pop("currency"))
    if "capture_method" in given:
        given["capture_method"] = CaptureMethod(given["capture_method"])
    return PaymentTerms(money, **given)


def _digest(type: str, value: Mapping[str, object], refund: object) -> str:
    """Tells one faulty command from another without keeping what it held: that may be a card number."""
    asked = {name: value.get(name) for name in FIELDS[type]}
    try:
        content = json.dumps([asked, refund], sort_keys=True)
    except (ValueError, RecursionError):  # a number or a depth that nobody means
        content = "beyond what can be written"
    return hashlib.blake2b(content.encode(), digest_size=12, person=b"millrace-shapes").hexdigest()
