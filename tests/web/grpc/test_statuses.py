"""How calls end that are not answered: with one status per code, and details a program can read; never with what was sent."""

import re
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from models.codes import Code
from models.commands import FieldError
from models.ports import Reply
from tests.web.fakes import PAYMENT
from tests.web.grpc.door import GrpcDoor, open_grpc
from tests.web.service import KEY, LIVE_KEY, OTHER_KEY, READ_ONLY_KEY
from web import problems
from web.grpc import payments_pb2 as pb
from web.grpc.calls import SERVICE
from web.grpc.statuses import STATUS, VIOLATIONS_MAX_BYTES, ending
from web.problems import Problem, invalid
from web.rate_limits import Allowance

DOCUMENT = Path(__file__).parents[3] / "docs" / "grpc.md"
OF_HTTP_ALONE = {Code.METHOD_NOT_ALLOWED, Code.SIGNATURE_INVALID, Code.UNSUPPORTED_MEDIA_TYPE}
NOBODYS = "pay_" + "0" * 32
CLIENTS_METADATA_MAX_BYTES = 8 * 1024
"""By default. Source: grpc.max_metadata_size in grpc/impl/channel_arg_names.h."""


def of_payment(id: str) -> dict[str, Any]:
    """A request of each method that names a payment, or what belongs to it."""
    return {
        "GetPayment": pb.GetPaymentRequest(payment_id=id),
        "CapturePayment": pb.CapturePaymentRequest(payment_id=id),
        "CancelPayment": pb.CancelPaymentRequest(payment_id=id),
        "CreateRefund": pb.CreateRefundRequest(payment_id=id),
        "GetRefund": pb.GetRefundRequest(refund_id=id.replace("pay_", "re_")),
        "WatchPayment": pb.WatchPaymentRequest(payment_id=id),
    }


EVERY = of_payment(NOBODYS) | {
    "CreatePayment": pb.CreatePaymentRequest(**PAYMENT),
    "ListPayments": pb.ListPaymentsRequest(),
}
WRITES = "CreatePayment", "CapturePayment", "CancelPayment", "CreateRefund"


def test_every_method_is_among_those_that_are_tried_here() -> None:
    assert set(EVERY) == set(SERVICE.methods_by_name)


def test_every_code_of_the_door_has_a_status() -> None:
    assert set(STATUS) == set(problems.STATUS)
    assert grpc.StatusCode.OK not in STATUS.values()
    assert grpc.StatusCode.UNKNOWN not in STATUS.values()


def test_the_document_tells_the_statuses_as_they_are() -> None:
    told = {
        code: row.split("`")[1]
        for row in DOCUMENT.read_text().splitlines()
        if row.startswith("| `")
        for code in re.findall(r"`([a-z_]+)`", row)
    }
    assert told == {code.value: status.name for code, status in STATUS.items() if code not in OF_HTTP_ALONE}


@pytest.mark.parametrize("code", STATUS)
async def test_a_code_comes_with_its_status_and_its_details(door: GrpcDoor, code: Code) -> None:
    errors = (FieldError("amount", "must be less"),) if code is Code.VALIDATION_FAILED else ()
    door.service.forced_reply = Reply("c", code, "It was refused.", True, None, None, errors, rule="night")
    told = await door.refused("CreatePayment", EVERY["CreatePayment"])
    assert (told.status, told.detail) == (STATUS[code], "It was refused.")
    assert (told.info.reason, told.info.domain) == (code.value.upper(), "millrace")
    assert dict(told.info.metadata) == {
        "code": code.value,
        "request_id": told.trailing["request-id"],
        "retryable": "true" if code in problems.RETRYABLE else "false",
        "replayed": "true",
        "rule": "night",
    }
    assert told.violations == [(error.field, error.message) for error in errors]
    retry_at = {Code.UNAVAILABLE, Code.RATE_LIMITED}
    assert told.retry_s == (problems.RETRY_AFTER_S if code in retry_at else None)


@pytest.mark.usefixtures("slowly")
async def test_what_is_left_of_a_limit_is_told_and_whoever_asks_for_too_much_when_to_come_again() -> None:
    async with open_grpc(allowance=Allowance(key_per_s=0.5, merchant_per_s=0.75)) as door:
        call = door.start("CreatePayment", EVERY["CreatePayment"])
        await call
        trailing = dict(await call.trailing_metadata())
        assert trailing["ratelimit-policy"] == '"key";q=10;w=20, "merchant";q=15;w=20'
        assert trailing["ratelimit"].startswith('"key";r=5;t=10, "merchant";r=10;t=7')
        missing = await door.refused("GetPayment", EVERY["GetPayment"])
        assert missing.trailing["ratelimit"].startswith('"key";r=4')
        told = await door.refused("CreatePayment", EVERY["CreatePayment"])
        assert (told.status, told.code) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "rate_limited")
        assert (told.retry_s, told.trailing["retry-after"]) == (2, "2")
        assert "ratelimit" in told.trailing
        assert len(door.service.appended) == 1


def test_headers_of_a_problem_come_as_metadata() -> None:
    headers = {"Retry-After": "7", "RateLimit": '"key";r=0;t=7'}
    end = ending(Problem(Code.RATE_LIMITED, "Too many.", headers=headers), "req_1")
    assert {("retry-after", "7"), ("ratelimit", '"key";r=0;t=7')} <= set(end.trailing)
    assert end.status is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_however_much_is_wrong_a_client_can_take_what_it_is_told() -> None:
    errors = [FieldError("statement_descriptor_suffix", "must be short " * 8) for _ in range(50)]
    end = ending(invalid(errors), "req_" + "0" * 32)
    [details] = [value for name, value in end.trailing if name == "grpc-status-details-bin"]
    assert VIOLATIONS_MAX_BYTES < len(details) < CLIENTS_METADATA_MAX_BYTES * 3 / 4  # base64


@pytest.mark.parametrize("method", EVERY)
async def test_nobody_is_served_without_a_key_of_this_system(door: GrpcDoor, method: str) -> None:
    for key in (None, "mr_test_nobody", "sk_test_x", LIVE_KEY, f"{KEY} {KEY}"):
        told = await door.refused(method, EVERY[method], key=key)
        assert (told.status, told.code) == (grpc.StatusCode.UNAUTHENTICATED, "unauthenticated")
    twice = (("authorization", f"Bearer {KEY}"),)
    assert (await door.refused(method, EVERY[method], more=twice)).code == "unauthenticated"
    assert not door.service.appended


@pytest.mark.parametrize("method", EVERY)
async def test_a_key_opens_what_its_scopes_name(door: GrpcDoor, method: str) -> None:
    if method in WRITES:
        told = await door.refused(method, EVERY[method], key=READ_ONLY_KEY)
        assert (told.status, told.code) == (grpc.StatusCode.PERMISSION_DENIED, "forbidden")
    elif method == "ListPayments":
        await door.ask(method, EVERY[method], key=READ_ONLY_KEY)
    else:
        assert (await door.refused(method, EVERY[method], key=READ_ONLY_KEY)).code == "not_found"
    assert not door.service.appended


@pytest.mark.parametrize("method", of_payment(NOBODYS))
async def test_somebody_elses_is_not_there(door: GrpcDoor, method: str) -> None:
    made = await door.pay(capture_method=pb.CAPTURE_METHOD_MANUAL)
    captured = await door.pay("captured")
    refund = await door.ask("CreateRefund", pb.CreateRefundRequest(payment_id=captured.payment.id), "r")
    theirs = of_payment(made.payment.id) | {"GetRefund": pb.GetRefundRequest(refund_id=refund.refund.id)}
    for request in (theirs[method], EVERY[method], of_payment("nonsense")[method], of_payment("")[method]):
        told = await door.refused(method, request, "theirs", key=OTHER_KEY)
        assert (told.status, told.code) == (grpc.StatusCode.NOT_FOUND, "not_found")
    asked_of = {command.origin.payment_id for command in door.service.appended[3:]}
    assert asked_of <= {made.payment.id, NOBODYS}, "of what has no id nothing is asked"
    payment = await door.ask("GetPayment", pb.GetPaymentRequest(payment_id=made.payment.id))
    payment.sequence = made.payment.sequence  # grows by what was refused, too
    assert payment == made.payment
    listed = await door.ask("ListPayments", pb.ListPaymentsRequest(), key=OTHER_KEY)
    assert not listed.payments


@pytest.mark.parametrize("method", WRITES)
async def test_what_moves_money_needs_an_idempotency_key(door: GrpcDoor, method: str) -> None:
    for key, code in (
        (None, "idempotency_key_missing"),
        (" ", "idempotency_key_missing"),
        ('"', "validation_failed"),
        ("x" * 256, "validation_failed"),
    ):
        told = await door.refused(method, EVERY[method], key)
        assert (told.status, told.code) == (grpc.StatusCode.INVALID_ARGUMENT, code)
    told = await door.refused(method, EVERY[method], "one", more=(("idempotency-key", "other"),))
    assert told.code == "validation_failed"
    assert not door.service.appended


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({}, ["amount", "currency", "payment_method"]),
        (PAYMENT | {"amount": 0}, ["amount"]),
        (PAYMENT | {"amount": -(2**63)}, ["amount"]),
        (PAYMENT | {"currency": "USD", "payment_method": "4242424242424242"}, ["currency", "payment_method"]),
        (PAYMENT | {"currency": ""}, ["currency"]),
        (PAYMENT | {"capture_method": 7}, ["capture_method"]),
        (PAYMENT | {"description": "a\0b"}, ["description"]),
        (PAYMENT | {"description": "4242 4242 4242 4242"}, ["description"]),
        (PAYMENT | {"metadata": {"a\0": "b"}}, ["metadata"]),
        (PAYMENT | {"metadata": {f"n{n}": "v" for n in range(51)}}, ["metadata"]),
        (PAYMENT | {"wait": Duration(seconds=-1)}, ["wait"]),
        (PAYMENT | {"wait": Duration(nanos=-1)}, ["wait"]),
    ],
)
async def test_all_that_is_wrong_is_told_at_once(
    door: GrpcDoor, given: dict[str, Any], fields: list[str]
) -> None:
    told = await door.refused("CreatePayment", pb.CreatePaymentRequest(**given))
    assert (told.status, told.code) == (grpc.StatusCode.INVALID_ARGUMENT, "validation_failed")
    assert [field.partition(".")[0] for field, _ in told.violations] == fields
    assert not door.service.appended


async def test_the_largest_number_there_is_is_too_large(door: GrpcDoor) -> None:
    told = await door.refused("CreatePayment", pb.CreatePaymentRequest(**PAYMENT | {"amount": 2**63 - 1}))
    assert (told.status, told.code) == (grpc.StatusCode.INVALID_ARGUMENT, "amount_too_large")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"limit": -(2**31)}, "limit"),
        ({"status": 99}, "status"),
        ({"currency": "a\0"}, "currency"),
        ({"starting_after": "x"}, "starting_after"),
        ({"starting_after": NOBODYS, "ending_before": NOBODYS}, "ending_before"),
        ({"created_after": Timestamp(seconds=2**62)}, "created_after"),
        ({"created_before": Timestamp(nanos=-5)}, "created_before"),
        ({"metadata": {str(n): "x" for n in range(11)}}, "metadata"),
    ],
)
async def test_a_list_that_cannot_be_asked_for_is_told_why(
    door: GrpcDoor, given: dict[str, Any], field: str
) -> None:
    told = await door.refused("ListPayments", pb.ListPaymentsRequest(**given))
    assert told.code == "validation_failed"
    assert [name for name, _ in told.violations] == [field]


@pytest.mark.parametrize("after", [-1, 2**31, 2**63 - 1, -(2**63)])
async def test_a_story_has_no_such_place(door: GrpcDoor, after: int) -> None:
    request = pb.WatchPaymentRequest(payment_id=NOBODYS, after_sequence=after)
    told = await door.refused("WatchPayment", request)
    assert [name for name, _ in told.violations] == ["after_sequence"]


async def test_what_is_away_is_said_to_be(door: GrpcDoor) -> None:
    door.service.log_is_away = True
    told = await door.refused("CreatePayment", EVERY["CreatePayment"])
    assert (told.status, told.code) == (grpc.StatusCode.UNAVAILABLE, "unavailable")
    assert told.retry_s is not None and "same Idempotency-Key" in told.detail
    door.service.reader_is_away = True
    assert (await door.refused("GetPayment", EVERY["GetPayment"])).status is grpc.StatusCode.UNAVAILABLE
    door.service.keys_are_away = True
    assert (await door.refused("ListPayments", EVERY["ListPayments"])).code == "unavailable"


async def test_a_bug_of_ours_is_not_told_about(door: GrpcDoor) -> None:
    door.service.breaks = True
    told = await door.refused("GetPayment", EVERY["GetPayment"])
    assert (told.status, told.code) == (grpc.StatusCode.INTERNAL, "internal_error")
    assert "4242" not in str(told)
