"""Secrets and card numbers go in through every opening of gRPC, and come out of none: not in a status, not in a log line."""

import io
import logging
from typing import Any

import grpc
import pytest

from tests.web.fakes import PAYMENT
from tests.web.grpc.door import GrpcDoor, refusal
from tests.web.service import KEY
from tests.web.test_canaries import CANARIES, CARD, CARD_WITH_GAPS, SECRET_KEY
from web.grpc import payments_pb2 as pb


def pay(**more: Any) -> pb.CreatePaymentRequest:
    return pb.CreatePaymentRequest(**PAYMENT | more)


@pytest.mark.parametrize("card", [CARD, CARD_WITH_GAPS])
async def test_no_opening_lets_a_secret_out(door: GrpcDoor, lines: io.StringIO, card: str) -> None:
    told = [
        await door.refused("CreatePayment", pay(description=card)),
        await door.refused("CreatePayment", pay(payment_method=card, currency=card, customer=card)),
        await door.refused("CreatePayment", pay(metadata={card: card})),
        await door.refused("CreatePayment", pay(capture_method=2_000_000_000, receipt_email=card)),
        await door.refused("CreatePayment", pb.CreatePaymentRequest(amount=int(CARD))),
        await door.refused("CreatePayment", pay(), f'"{card}" trailing'),
        await door.refused("CreatePayment", b"\x2a\x11" + card.encode()[:16] + b"\xff"),
        await door.refused("CapturePayment", pb.CapturePaymentRequest(payment_id=card)),
        await door.refused("CancelPayment", pb.CancelPaymentRequest(payment_id=card, reason=card)),
        await door.refused("CreateRefund", pb.CreateRefundRequest(payment_id=card, reason=card)),
        await door.refused("GetRefund", pb.GetRefundRequest(refund_id=card)),
        await door.refused("WatchPayment", pb.WatchPaymentRequest(payment_id=card)),
        await door.refused("ListPayments", pb.ListPaymentsRequest(customer=card, starting_after=card)),
        await door.refused("ListPayments", pb.ListPaymentsRequest(metadata={card: "1"})),
        await door.refused("ListPayments", pb.ListPaymentsRequest(), key=SECRET_KEY),
        await door.refused("ListPayments", pb.ListPaymentsRequest(), key="sk_test_canary000"),
        await door.refused(
            "GetPayment", pb.GetPaymentRequest(), more=(("traceparent", card), (f"x-{CARD}", card))
        ),
    ]
    door.service.breaks = True
    told.append(await door.refused("GetPayment", pb.GetPaymentRequest(payment_id="pay_" + "0" * 32)))
    assert told[-1].code == "internal_error"
    for each in told:
        for canary in CANARIES:
            assert canary not in str(each)
            assert canary.encode() not in each.trailing["grpc-status-details-bin"]
    assert lines.getvalue().count("\n") >= 2
    for canary in (*CANARIES, "4242 4242 4242 4242"):
        assert canary not in lines.getvalue()


async def test_what_fails_is_logged_with_its_request(door: GrpcDoor, lines: io.StringIO) -> None:
    door.service.breaks = True
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await door.ask("GetPayment", pb.GetPaymentRequest(payment_id="pay_" + "0" * 32))
    [line] = [line for line in lines.getvalue().splitlines() if '"level":"ERROR"' in line]
    request_id = refusal(failed.value).trailing["request-id"]
    assert request_id.startswith("req_") and request_id in line
    assert "RuntimeError" in line and "GetPayment" in line
    assert KEY not in line


@pytest.mark.parametrize(("given", "is_told"), [("order-6735", True), ("x" * 65, False), ("x y", False)])
async def test_what_its_client_calls_a_call_is_on_its_log_lines_where_it_is_a_name(
    door: GrpcDoor, lines: io.StringIO, given: str, is_told: bool
) -> None:
    door.service.breaks = True
    request = pb.GetPaymentRequest(payment_id="pay_" + "0" * 32)
    told = await door.refused("GetPayment", request, more=(("x-request-id", given),))
    assert (given in lines.getvalue()) is is_told
    assert given not in str(told)


async def test_an_ordinary_call_is_not_logged_at_info(door: GrpcDoor, lines: io.StringIO) -> None:
    logging.getLogger("millrace").setLevel(logging.INFO)
    assert (await door.pay()).settled
    assert [line for line in lines.getvalue().splitlines() if '"logger":"millrace' in line] == []
