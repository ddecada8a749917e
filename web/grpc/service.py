"""The methods of `millrace.v1.Payments`: messages become calls of the operations, and what those return becomes messages.

Nothing is decided here, save how long a call waits: no longer than its deadline allows.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any

from google.protobuf.message import Message

from models.commands import FieldError
from web.doors import Operations
from web.grpc import payments_pb2 as pb
from web.grpc.calls import SERVICE, Call
from web.grpc.gate import Gate, Handler
from web.grpc.messages import body, query, seconds, shown
from web.patience import WAIT_MAX_S
from web.payments import Answer, Asked
from web.problems import invalid

DEADLINE_MARGIN_S = 0.3
"""Before the client's deadline, to read what is known and bring it there."""

Command = (
    pb.CreatePaymentRequest | pb.CapturePaymentRequest | pb.CancelPaymentRequest | pb.CreateRefundRequest
)


class Payments:
    """`wait_s`: where a request does not say."""

    def __init__(self, operations: Operations, wait_s: float) -> None:
        self._payments, self._reading = operations.payments, operations.reading
        self._watching, self._wait_s = operations.watching, wait_s

    def handlers(self, gate: Gate) -> Mapping[str, Handler]:
        """One for each method of the .proto."""
        own: dict[str, Callable[[Call], Any]] = {
            "CreatePayment": self.create_payment,
            "GetPayment": self.get_payment,
            "ListPayments": self.list_payments,
            "CapturePayment": self.capture_payment,
            "CancelPayment": self.cancel_payment,
            "CreateRefund": self.create_refund,
            "GetRefund": self.get_refund,
            "WatchPayment": self.watch_payment,
        }
        return {
            method.name: (gate.stream if method.server_streaming else gate.unary)(
                method.name, own[method.name]
            )
            for method in SERVICE.methods
        }

    async def create_payment(self, call: Call) -> Message:
        answer = await self._payments.create(self._asked(call, call.asked(pb.CreatePaymentRequest)))
        return _payment_as(pb.CreatePaymentResponse, answer)

    async def capture_payment(self, call: Call) -> Message:
        request = call.asked(pb.CapturePaymentRequest)
        answer = await self._payments.capture(self._asked(call, request), request.payment_id)
        return _payment_as(pb.CapturePaymentResponse, answer)

    async def cancel_payment(self, call: Call) -> Message:
        request = call.asked(pb.CancelPaymentRequest)
        answer = await self._payments.cancel(self._asked(call, request), request.payment_id)
        return _payment_as(pb.CancelPaymentResponse, answer)

    async def create_refund(self, call: Call) -> Message:
        request = call.asked(pb.CreateRefundRequest)
        answer = await self._payments.refund(self._asked(call, request), request.payment_id)
        refund = shown(pb.Refund, answer.view)
        return pb.CreateRefundResponse(refund=refund, settled=answer.settled, replayed=answer.replayed)

    async def get_payment(self, call: Call) -> Message:
        payment_id = call.asked(pb.GetPaymentRequest).payment_id
        return shown(pb.Payment, await self._reading.payment(call.authorization, payment_id))

    async def list_payments(self, call: Call) -> Message:
        pairs = query(call.asked(pb.ListPaymentsRequest))
        page = await self._reading.payments(call.authorization, pairs)
        payments = [shown(pb.Payment, view) for view in page.data]
        return pb.ListPaymentsResponse(payments=payments, has_more=page.has_more)

    async def get_refund(self, call: Call) -> Message:
        refund_id = call.asked(pb.GetRefundRequest).refund_id
        return shown(pb.Refund, await self._reading.refund(call.authorization, refund_id))

    async def watch_payment(self, call: Call) -> AsyncGenerator[Message, None]:
        request = call.asked(pb.WatchPaymentRequest)
        story = self._watching.payment(call.authorization, request.payment_id, request.after_sequence)
        async with aclosing(story):
            async for happened in story:
                payment = shown(pb.Payment, happened.payment) if happened.payment else None
                yield pb.WatchPaymentResponse(event=shown(pb.PaymentEvent, happened.event), payment=payment)

    def _asked(self, call: Call, request: Command) -> Asked:
        wait_s = seconds(request.wait) if request.HasField("wait") else self._wait_s

        async def given() -> dict[str, Any]:
            if wait_s < 0:
                raise invalid([FieldError("wait", "must not be negative")])
            return body(request)

        allowed_s = min(wait_s, WAIT_MAX_S, call.remaining_s - DEADLINE_MARGIN_S)
        return Asked(call.authorization, call.idempotency_key, given, max(0.0, allowed_s), call.trace)


def _payment_as(
    kind: type[pb.CreatePaymentResponse | pb.CapturePaymentResponse | pb.CancelPaymentResponse],
    answer: Answer,
) -> Message:
    payment = shown(pb.Payment, answer.view)
    return kind(payment=payment, settled=answer.settled, replayed=answer.replayed)
