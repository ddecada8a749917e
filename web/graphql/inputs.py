"""What GraphQL is asked for: the bodies of REST as input types, with what HTTP says in headers. Nothing is checked here."""

from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from typing import Any

import strawberry
from graphql import FieldNode, OperationDefinitionNode, value_from_ast_untyped
from strawberry.utils.str_converters import to_camel_case

from models import fields as limits
from models import shapes
from models.commands import FieldError
from web import bodies
from web.graphql.described import one_of, taken
from web.graphql.scalars import Metadata, MinorUnits
from web.graphql.types import CaptureMethod
from web.idempotency import KEY_MAX_CHARS
from web.patience import WAIT_MAX_S

CancellationReason: Any = one_of("CancellationReason", limits.CANCELLATION_REASONS)
RefundReason: Any = one_of("RefundReason", limits.REFUND_REASONS)

_NOT_OF_THE_BODY = ("payment_id", "idempotency_key", "wait_seconds")


def _key() -> Any:
    return strawberry.field(
        default=strawberry.UNSET,
        description=f"Names this request for ever, in 1 to {KEY_MAX_CHARS} characters: repeated with the same key and input it "
        "is carried out once and answered again; with another input it is refused. Or the header Idempotency-Key.",
    )


def _wait() -> Any:
    return strawberry.field(
        default=strawberry.UNSET,
        description=f"How long to wait for the end, in seconds, {WAIT_MAX_S:.0f} at most; 0 does not wait. "
        "The commands of one request share those seconds.",
    )


@taken(bodies.PaymentBody)
class CreatePaymentInput:
    idempotency_key: str | None = _key()
    wait_seconds: int | None = _wait()
    amount: MinorUnits
    currency: str
    payment_method: str
    capture_method: CaptureMethod | None
    description: str | None
    customer: str | None
    receipt_email: str | None
    statement_descriptor_suffix: str | None
    return_url: str | None
    off_session: bool | None
    metadata: Metadata | None


@taken(bodies.CaptureBody)
class CapturePaymentInput:
    payment_id: strawberry.ID
    idempotency_key: str | None = _key()
    wait_seconds: int | None = _wait()
    amount: MinorUnits | None
    final: bool | None


@taken(bodies.CancelBody)
class CancelPaymentInput:
    payment_id: strawberry.ID
    idempotency_key: str | None = _key()
    wait_seconds: int | None = _wait()
    reason: CancellationReason | None


@taken(bodies.RefundBody)
class CreateRefundInput:
    payment_id: strawberry.ID
    idempotency_key: str | None = _key()
    wait_seconds: int | None = _wait()
    amount: MinorUnits | None
    reason: RefundReason | None
    expected_refundable: MinorUnits | None
    metadata: Metadata | None


_COMMANDS = {
    "createPayment": shapes.CREATE,
    "capturePayment": shapes.CAPTURE,
    "cancelPayment": shapes.CANCEL,
    "createRefund": shapes.REFUND,
}
"""By mutation: whose body its input is."""


def body(given: Any) -> dict[str, Any]:
    """The members that were given, as REST would have read them."""
    found = {}
    for member in fields(given):
        value = getattr(given, member.name)
        if member.name not in _NOT_OF_THE_BODY and value is not strawberry.UNSET:
            found[member.name] = value.value if isinstance(value, Enum) else value
    return found


def faults(operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> list[FieldError]:
    """What every door has against the inputs of an operation that GraphQL's own types already refuse."""
    found: list[FieldError] = []
    for field in operation.selection_set.selections:
        if isinstance(field, FieldNode) and (type := _COMMANDS.get(field.name.value)):
            for argument in field.arguments or ():
                value = value_from_ast_untyped(argument.value, dict(variables))
                if isinstance(value, dict):
                    found.extend(_faults(type, value))
    return found


def _faults(type: str, given: Mapping[str, Any]) -> list[FieldError]:
    """`given`: as it came, by the names of GraphQL. What is no member, GraphQL says."""
    members = {to_camel_case(member): member for member in bodies.BODIES[type].model_fields}
    value = {members[name]: each for name, each in given.items() if name in members}
    return bodies.faults(type, value, shapes.faults(type, value))


def given(**filters: Any) -> list[tuple[str, str]]:
    """Those that are not null, as a query string would hold them."""
    return [
        (name, str(value.value if isinstance(value, Enum) else value))
        for name, value in filters.items()
        if value is not None
    ]
