"""What a client may do, step by step, with what it is told: the same in every language. A table; holds no tests.

Ids follow from the merchant and the key, so they are the same through every door, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models import ids
from tests.web.fakes import PAYMENT

KEY, OTHER_KEY, READ_ONLY_KEY, LIVE_KEY = "mine", "others", "read-only", "live"
"""Whose API key is sent; None: nobody's."""

CARD_NUMBER = "4242 4242 4242 4242"
MANUAL = PAYMENT | {"capture_method": "manual"}
NOBODYS = "0" * 32


@dataclass(frozen=True)
class Step:
    """`of`: the key of the create or the refund whose object it is about. `shows`: some of what is answered; `code`: or the
    problem, with the `fields` at fault where they are told alike.
    """

    operation: str
    key: str | None = None
    body: Mapping[str, Any] = field(default_factory=dict)
    of: str | None = None
    by: str | None = KEY
    shows: Mapping[str, Any] = field(default_factory=dict)
    code: str | None = None
    fields: tuple[str, ...] = ()
    replayed: bool = False
    wait_s: int | None = None
    settled: bool = True


def create(key: str | None = "c", body: Mapping[str, Any] | None = None, **more: Any) -> Step:
    return Step("create", key, PAYMENT if body is None else body, **more)


def captured(**more: Any) -> dict[str, Any]:
    return {"status": "captured", "amount_captured": 1999, **more}


SCENARIOS: dict[str, tuple[Step, ...]] = {
    "a payment is captured, read, refunded in part, and the refund read": (
        create(shows=captured(amount_refundable=1999)),
        Step("payment", of="c", shows=captured()),
        Step(
            "refund", "r", {"amount": 500, "reason": "requested_by_customer"}, of="c", shows={"amount": 500}
        ),
        Step("get_refund", of="r", shows={"status": "succeeded", "amount": 500}),
        Step("payment", of="c", shows={"amount_refunded": 500, "amount_refundable": 1499}),
    ),
    "an authorisation is captured in part, and what is left is released": (
        create(body=MANUAL, shows={"status": "authorized", "amount_capturable": 1999}),
        Step("capture", "k", {"amount": 1000}, of="c", shows={"status": "captured", "amount_captured": 1000}),
    ),
    "an authorisation is canceled": (
        create(body=MANUAL, shows={"status": "authorized"}),
        Step("cancel", "x", {"reason": "duplicate"}, of="c", shows={"status": "canceled"}),
        Step("capture", "k", of="c", code="payment_state_conflict"),
    ),
    "a decline is a payment": (
        create(body=PAYMENT | {"payment_method": "pm_card_chargeDeclined"}, shows={"status": "declined"}),
        Step("refund", "r", of="c", code="payment_state_conflict"),
    ),
    "everything a payment can be told is told again": (
        create(
            body=PAYMENT
            | {
                "description": "Order 6735",
                "customer": "cus_1",
                "receipt_email": "jenny@example.com",
                "statement_descriptor_suffix": "ORDER",
                "metadata": {"order": "6735", "shop": "b"},
            },
            shows={
                "description": "Order 6735",
                "customer": "cus_1",
                "receipt_email": "jenny@example.com",
                "metadata": {"order": 6735, "shop": "b"},
            },
        ),
    ),
    "the same key and body are answered again": (
        create(shows=captured()),
        create(shows=captured(), replayed=True),
        Step("refund", "r", {"amount": 100}, of="c", shows={"amount": 100}),
        Step("refund", "r", {"amount": 100}, of="c", shows={"amount": 100}, replayed=True),
    ),
    "the same key with another body is refused": (
        create(shows=captured()),
        create(body=PAYMENT | {"amount": 2000}, code="idempotency_key_reused"),
        create(shows=captured(), replayed=True),
    ),
    "a refusal is remembered": (
        create(body=MANUAL),
        Step("capture", "k", {"amount": 5000}, of="c", code="capture_exceeds_authorized"),
        Step("capture", "k", {"amount": 5000}, of="c", code="capture_exceeds_authorized", replayed=True),
    ),
    "no more is refunded than was captured": (
        create(),
        Step("refund", "r", {"amount": 2000}, of="c", code="refund_exceeds_refundable"),
        Step("refund", "s", {"amount": 10, "expected_refundable": 5}, of="c", code="refundable_mismatch"),
        Step("refund", "t", of="c", shows={"amount": 1999}),
        Step("refund", "u", of="c", code="refund_exceeds_refundable"),
    ),
    "what Stripe would not take is refused by its rule": (
        create("a", PAYMENT | {"amount": 10}, code="amount_too_small"),
        create("b", PAYMENT | {"amount": 10**15}, code="amount_too_large"),
        create("d", PAYMENT | {"currency": "xxx"}, code="currency_unsupported"),
    ),
    "a body that is not valid names its fields": (
        create("v1", PAYMENT | {"amount": 0}, code="validation_failed", fields=("amount",)),
        create("v2", PAYMENT | {"currency": "USD"}, code="validation_failed", fields=("currency",)),
        create(
            "v4",
            {"amount": -5, "currency": "dollars", "payment_method": "4242"},
            code="validation_failed",
            fields=("amount", "currency", "payment_method"),
        ),
        create(
            "v5",
            PAYMENT | {"description": f"paid by {CARD_NUMBER}"},
            code="validation_failed",
            fields=("description",),
        ),
        create("v3", PAYMENT | {"metadata": {"n": "a\0b"}}, code="validation_failed", fields=("metadata.n",)),
        create(
            "v6", PAYMENT | {"receipt_email": "nobody"}, code="validation_failed", fields=("receipt_email",)
        ),
    ),
    "a command needs a key that can be one": (
        create(None, code="idempotency_key_missing"),
        create(" ", code="idempotency_key_missing"),
        create("k" * 256, code="validation_failed", fields=("Idempotency-Key",)),
    ),
    "nobody comes in without an API key of this system's": (
        create(by=None, code="unauthenticated"),
        create(by=LIVE_KEY, code="unauthenticated"),
        Step("payments", by=None, code="unauthenticated"),
    ),
    "a key does what its scopes say": (
        create(by=READ_ONLY_KEY, code="forbidden"),
        create(),
        Step("payment", of="c", by=READ_ONLY_KEY, shows=captured()),
        Step("refund", "r", of="c", by=READ_ONLY_KEY, code="forbidden"),
        Step("capture", "k", of="c", by=READ_ONLY_KEY, code="forbidden"),
        Step("cancel", "x", of="c", by=READ_ONLY_KEY, code="forbidden"),
    ),
    "another merchant's objects are not there": (
        create(),
        Step("refund", "r", {"amount": 1}, of="c"),
        Step("payment", of="c", by=OTHER_KEY, code="not_found"),
        Step("get_refund", of="r", by=OTHER_KEY, code="not_found"),
        Step("capture", "k", of="c", by=OTHER_KEY, code="not_found"),
        Step("cancel", "x", of="c", by=OTHER_KEY, code="not_found"),
        Step("refund", "s", of="c", by=OTHER_KEY, code="not_found"),
        Step("payments", by=OTHER_KEY),
    ),
    "what was never made is not there": (
        Step("payment", of=NOBODYS, code="not_found"),
        Step("get_refund", of=NOBODYS, code="not_found"),
        Step("capture", "k", of=NOBODYS, code="not_found"),
    ),
    "payments are listed, the newest first": (
        create("one"),
        create("two", MANUAL),
        Step("payments", shows={"": ("two", "one")}),
        Step("payments", body={"status": "authorized"}, shows={"": ("two",)}),
        Step("payments", body={"limit": 1}, shows={"": ("two",)}),
        Step("payments", body={"limit": 1000}, code="validation_failed"),
    ),
}


def object_id(step: Step, merchant: str) -> str | None:
    """What `step` is about."""
    if step.of is None:
        return None
    hex = step.of if step.of == NOBODYS else ids.command_uuid(merchant, step.of).hex
    return f"re_{hex}" if step.operation == "get_refund" else f"pay_{hex}"
