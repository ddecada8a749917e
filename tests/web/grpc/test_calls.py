"""Each method of `millrace.v1.Payments` does what the same request does over HTTP, with the same answer."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from models import ids
from tests.web import fakes
from tests.web.fakes import open_door
from tests.web.grpc.door import WITHIN_S, GrpcDoor
from tests.web.service import ALICE
from web.grpc import payments_pb2 as pb
from web.grpc.messages import shown


async def test_a_payment_is_made_and_answered_once_its_end_is_known(door: GrpcDoor) -> None:
    paid = await door.pay(description="Order 6735", metadata={"order": "6735"})
    assert paid.settled and not paid.replayed
    payment = paid.payment
    assert payment.id == ids.payment_id(ids.command_uuid(ALICE, "key-1"))
    assert payment.status == pb.PAYMENT_STATUS_CAPTURED
    assert (payment.amount, payment.currency, payment.amount_refundable) == (1999, "usd", 1999)
    assert (payment.description, dict(payment.metadata)) == ("Order 6735", {"order": "6735"})
    assert not payment.HasField("customer") and not payment.HasField("decline")
    assert payment.created_at.ToDatetime(UTC) <= datetime.now(UTC)


async def test_the_same_call_again_is_the_same_payment(door: GrpcDoor) -> None:
    first, again = await door.pay(), await door.pay()
    assert again.replayed and again.payment == first.payment
    assert len(door.service.transactions) == 1


async def test_http_and_grpc_are_one_idempotency_namespace(door: GrpcDoor) -> None:
    async with open_door(door.service) as http:
        over_http = await http.post("/v1/payments", fakes.PAYMENT | {"capture_method": "manual"}, "order-1")
        again = await door.pay("order-1", capture_method=pb.CAPTURE_METHOD_MANUAL)
        assert again.replayed
        assert again.payment == shown(pb.Payment, over_http.body)
        other = await door.refused("CreatePayment", pb.CreatePaymentRequest(**fakes.PAYMENT), "order-1")
        assert other.code == "idempotency_key_reused"


async def test_a_decline_is_a_payment(door: GrpcDoor) -> None:
    paid = await door.pay(payment_method="pm_card_chargeDeclined")
    assert paid.settled and paid.payment.status == pb.PAYMENT_STATUS_DECLINED
    assert paid.payment.decline.code == "card_declined"


async def test_an_authorised_payment_is_captured_in_part(door: GrpcDoor) -> None:
    made = await door.pay(capture_method=pb.CAPTURE_METHOD_MANUAL)
    assert made.payment.status == pb.PAYMENT_STATUS_AUTHORIZED
    assert made.payment.authorized_until.ToDatetime(UTC) - datetime.now(UTC) > timedelta(days=6)
    request = pb.CapturePaymentRequest(payment_id=made.payment.id, amount=500)
    captured = await door.ask("CapturePayment", request, "c")
    assert captured.settled and captured.payment.amount_captured == 500


async def test_an_authorised_payment_is_cancelled(door: GrpcDoor) -> None:
    made = await door.pay(capture_method=pb.CAPTURE_METHOD_MANUAL)
    request = pb.CancelPaymentRequest(payment_id=made.payment.id, reason="duplicate")
    canceled = await door.ask("CancelPayment", request, "c")
    assert canceled.settled and canceled.payment.status == pb.PAYMENT_STATUS_CANCELED
    assert door.service.appended[-1].reason == "duplicate"  # type: ignore[union-attr]


async def test_a_payment_is_refunded_and_the_refund_is_read(door: GrpcDoor) -> None:
    made = await door.pay()
    request = pb.CreateRefundRequest(payment_id=made.payment.id, amount=5, metadata={"why": "broken"})
    made_refund = await door.ask("CreateRefund", request, "r")
    refund = made_refund.refund
    assert made_refund.settled and refund.status == pb.REFUND_STATUS_SUCCEEDED
    assert (refund.payment, refund.amount, dict(refund.metadata)) == (made.payment.id, 5, {"why": "broken"})
    assert await door.ask("GetRefund", pb.GetRefundRequest(refund_id=refund.id)) == refund
    payment = await door.ask("GetPayment", pb.GetPaymentRequest(payment_id=made.payment.id))
    assert [each.id for each in payment.refunds] == [refund.id]
    assert payment.amount_refundable == 1994


async def test_payments_are_listed_the_newest_first_and_page_by_page(door: GrpcDoor) -> None:
    made = [(await door.pay(f"k{n}")).payment.id for n in range(3)]
    first = await door.ask("ListPayments", pb.ListPaymentsRequest(limit=2))
    assert [payment.id for payment in first.payments] == made[:0:-1] and first.has_more
    request = pb.ListPaymentsRequest(starting_after=made[1], status=pb.PAYMENT_STATUS_CAPTURED)
    rest = await door.ask("ListPayments", request)
    assert [payment.id for payment in rest.payments] == made[:1] and not rest.has_more


async def test_a_list_is_asked_for_as_it_is_over_http(door: GrpcDoor) -> None:
    after, before = datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 2, 1, 12, 0, 0, 5000, tzinfo=UTC)
    moments = Timestamp(), Timestamp()
    for moment, at in zip(moments, (after, before), strict=True):
        moment.FromDatetime(at)
    request = pb.ListPaymentsRequest(
        status=pb.PAYMENT_STATUS_REQUIRES_ACTION,
        currency="eur",
        customer="cus_1",
        created_after=moments[0],
        created_before=moments[1],
        metadata={"order": "6735"},
    )
    await door.ask("ListPayments", request)
    where = door.service.asked_where
    assert (where.status, where.currency, where.customer) == ("requires_action", "eur", "cus_1")
    assert (where.created_after, where.created_before) == (after, before)
    assert where.metadata == (("order", "6735"),)


async def test_a_watcher_is_told_the_story_and_then_what_happens(door: GrpcDoor) -> None:
    made = await door.pay(capture_method=pb.CAPTURE_METHOD_MANUAL)
    watch = door.start("WatchPayment", pb.WatchPaymentRequest(payment_id=made.payment.id, after_sequence=1))
    assert dict(await watch.initial_metadata())["request-id"].startswith("req_")
    assert (await watch.read()).event.sequence == 2
    following: list[Any] = []

    async def follow() -> None:
        while len(following) < 2:
            following.append(await watch.read())

    task = asyncio.create_task(follow())
    await door.ask("CapturePayment", pb.CapturePaymentRequest(payment_id=made.payment.id), "c")
    await asyncio.wait_for(task, WITHIN_S)
    assert [each.event.sequence for each in following] == [3, 4]
    assert following[-1].payment.status == pb.PAYMENT_STATUS_CAPTURED
    assert door.count("millrace_grpc_watches") == 1
    watch.cancel()


async def test_every_answer_tells_its_request_and_is_counted(door: GrpcDoor) -> None:
    call = door.start("ListPayments", pb.ListPaymentsRequest())
    await call
    assert dict(await call.trailing_metadata())["request-id"].startswith("req_")
    told = await door.refused("GetPayment", pb.GetPaymentRequest(payment_id="pay_none"))
    assert told.info.metadata["request_id"] == told.trailing["request-id"]
    assert door.count("millrace_grpc_requests_total", method="ListPayments", code="OK") == 1
    assert door.count("millrace_grpc_requests_total", method="GetPayment", code="NOT_FOUND") == 1
    assert door.count("millrace_grpc_problems_total", method="GetPayment", code="not_found") == 1
    assert door.count("millrace_grpc_request_duration_seconds_count", method="ListPayments") == 1


TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(("given", "passed_on"), [(TRACE, TRACE), ("nonsense", None)])
async def test_a_trace_is_passed_on_where_it_is_one(
    door: GrpcDoor, given: str, passed_on: str | None
) -> None:
    request = pb.CreatePaymentRequest(**fakes.PAYMENT)
    await door.ask("CreatePayment", request, more=(("traceparent", given),))
    assert door.service.traces == [passed_on]
