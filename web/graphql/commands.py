"""The mutations: an input becomes what every door asks of the operations, an answer a payload. Nothing is decided here."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import strawberry

from web import idempotency
from web.graphql.context import Info
from web.graphql.inputs import (
    CancelPaymentInput,
    CapturePaymentInput,
    CreatePaymentInput,
    CreateRefundInput,
    body,
)
from web.graphql.types import Payment, Refund
from web.payments import Answer, Asked
from web.problems import Problem


@strawberry.type
class Payload:
    settled: bool = strawberry.field(
        description="Whether its end is known. If not, it is accepted for good: read it, watch it, or send the same again."
    )
    replayed: bool = strawberry.field(
        description="Whether this was carried out before, under the same key, and is only answered again."
    )


@strawberry.type(description="The payment that was made, whatever became of it: a decline is one too.")
class CreatePaymentPayload(Payload):
    payment: Payment


@strawberry.type(description="The payment as it stands after the capture.")
class CapturePaymentPayload(Payload):
    payment: Payment


@strawberry.type(description="The payment as it stands after the cancellation.")
class CancelPaymentPayload(Payload):
    payment: Payment


@strawberry.type(description="The refund that was made.")
class CreateRefundPayload(Payload):
    refund: Refund


@strawberry.type(description="What can be done. Each has a key, so that it can safely be repeated.")
class Mutation:
    @strawberry.mutation(description="Make a payment.")
    async def create_payment(self, info: Info, input: CreatePaymentInput) -> CreatePaymentPayload | None:
        return await _carry_out(info.context.operations.payments.create, "payment", info, input)

    @strawberry.mutation(description="Capture an authorised payment, in full or in part.")
    async def capture_payment(self, info: Info, input: CapturePaymentInput) -> CapturePaymentPayload | None:
        capture = partial(info.context.operations.payments.capture, payment_id=input.payment_id)
        return await _carry_out(capture, "payment", info, input)

    @strawberry.mutation(description="Cancel a payment that is not captured.")
    async def cancel_payment(self, info: Info, input: CancelPaymentInput) -> CancelPaymentPayload | None:
        cancel = partial(info.context.operations.payments.cancel, payment_id=input.payment_id)
        return await _carry_out(cancel, "payment", info, input)

    @strawberry.mutation(description="Refund a captured payment, in full or in part.")
    async def create_refund(self, info: Info, input: CreateRefundInput) -> CreateRefundPayload | None:
        refund = partial(info.context.operations.payments.refund, payment_id=input.payment_id)
        return await _carry_out(refund, "refund", info, input)


async def _carry_out(
    command: Callable[[Asked], Awaitable[Answer]], shows: str, info: Info, given: Any
) -> Any:
    context = info.context

    async def read() -> dict[str, Any]:
        return body(given)

    asked = Asked(
        authorization=context.authorization,
        idempotency_key=_keys(context.keys, given.idempotency_key or None),
        body=read,
        wait_s=context.patience_s(None if given.wait_seconds is strawberry.UNSET else given.wait_seconds),
        trace=context.trace,
    )
    answer = await command(asked)
    return {shows: answer.view, "settled": answer.settled, "replayed": answer.replayed}


def _keys(of_header: list[str], of_input: str | None) -> list[str]:
    """One, where both say the same."""
    if of_input is None:
        return of_header
    try:
        same = idempotency.key(of_header) == idempotency.key([of_input])
    except Problem:
        same = False
    return [of_input] if same or not of_header else [of_input, *of_header]
