"""Mutations: made, repeated and refused as in REST; how long one waits, and what it says when it cannot wait longer."""

import asyncio
from typing import Any

import pytest

from models import ids
from models.commands import CancelPayment, CreatePayment
from tests.web.fakes import PAYMENT as BODY
from tests.web.fakes import Door, open_door
from tests.web.graphql.client import CREATE, PAYMENT, ask, codes, errors, make
from tests.web.service import ALICE, OTHER_KEY, READ_ONLY_KEY
from tests.web.test_waiting import until
from web import bodies
from web.graphql import context, inputs


async def test_a_mutation_that_does_not_wait_is_accepted(door: Door) -> None:
    door.service.provider_is_silent = True
    told = await ask(door, CREATE, {"input": PAYMENT | {"idempotencyKey": "k", "waitSeconds": 0}})
    made = told.body["data"]["createPayment"]
    assert (made["settled"], made["payment"]["status"]) == (False, "processing")


async def test_what_was_only_just_accepted_is_known_by_its_id(door: Door) -> None:
    door.service.reader_is_away = door.service.provider_is_silent = True
    query = """mutation($input: CreatePaymentInput!) { createPayment(input: $input) {
        settled payment { id status amount disputes { id } refunds { edges { cursor } } } } }"""
    told = await ask(door, query, {"input": PAYMENT | {"idempotencyKey": "k"}}, Prefer="respond-async")
    assert told.body["data"]["createPayment"] == {
        "settled": False,
        "payment": {
            "id": door.service.appended[0].origin.payment_id,
            "status": "processing",
            "amount": None,
            "disputes": None,
            "refunds": {"edges": []},
        },
    }


async def test_a_refund_that_was_only_just_accepted_is_known_by_its_id(door: Door) -> None:
    payment = await make(door)
    door.service.reader_is_away = door.service.provider_is_silent = True
    query = """mutation($id: ID!) { createRefund(input: {paymentId: $id, idempotencyKey: "r", waitSeconds: 0}) {
        settled refund { id paymentId status amount } } }"""
    told = (await ask(door, query, {"id": payment})).body["data"]["createRefund"]
    assert (told["settled"], told["refund"]["paymentId"], told["refund"]["status"]) == (
        False,
        payment,
        "pending",
    )


async def test_the_commands_of_one_request_share_their_patience(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "WAIT_MAX_S", 1.0)
    door.service.provider_is_silent = True
    pay = 'createPayment(input: {amount: 1999, currency: "usd", paymentMethod: "pm_card_visa", idempotencyKey: "%d"}) { settled }'
    query = "mutation {" + " ".join(f"a{n}: {pay % n}" for n in range(5)) + "}"
    async with asyncio.timeout(4):  # and not five seconds
        told = await ask(door, query)
    assert [each["settled"] for each in told.body["data"].values()] == [False] * 5
    assert len(door.service.transactions) == 5


async def test_a_closing_door_cuts_waits_short() -> None:
    async with open_door(drain_s=1.2) as door:
        door.service.provider_is_silent = True
        wait = asyncio.create_task(ask(door, CREATE, {"input": PAYMENT | {"idempotencyKey": "k"}}))
        await until(lambda: door.service.waiters == 1)
        await door.serving.drain()
        assert (await wait).body["data"]["createPayment"]["settled"] is False


async def test_the_trace_goes_along(door: Door) -> None:
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    await ask(door, CREATE, {"input": PAYMENT | {"idempotencyKey": "k"}}, traceparent=trace)
    assert door.service.traces == [trace]


async def test_two_merchants_may_use_the_same_key(door: Door) -> None:
    mine = await make(door)
    told = await ask(door, CREATE, {"input": PAYMENT | {"idempotencyKey": "key-1"}}, key=OTHER_KEY)
    assert told.body["data"]["createPayment"]["payment"]["id"] != mine


async def test_what_the_rules_refuse_is_an_error_with_their_code(door: Door) -> None:
    payment = await make(door)
    refund = """mutation($id: ID!, $n: MinorUnits, $left: MinorUnits) { createRefund(input: {
        paymentId: $id, amount: $n, expectedRefundable: $left, idempotencyKey: "r"}) { settled } }"""
    assert codes(await ask(door, refund, {"id": payment, "n": 2000})) == ["refund_exceeds_refundable"]
    assert codes(await ask(door, refund, {"id": payment, "left": 5})) == ["idempotency_key_reused"]
    again = await ask(door, refund, {"id": payment, "n": 2000})
    assert (codes(again), errors(again)[0]["replayed"]) == (["refund_exceeds_refundable"], True)
    capture = (
        'mutation($id: ID!) { capturePayment(input: {paymentId: $id, idempotencyKey: "c"}) { settled } }'
    )
    assert codes(await ask(door, capture, {"id": payment})) == ["payment_state_conflict"]
    big = await ask(door, CREATE, {"input": PAYMENT | {"amount": 2**40, "idempotencyKey": "big"}})
    assert codes(big) == ["amount_too_large"]


async def test_without_kafka_nothing_is_accepted_and_the_same_can_be_asked_again(door: Door) -> None:
    door.service.log_is_away = True
    told = await ask(door, CREATE, {"input": PAYMENT | {"idempotencyKey": "k"}})
    assert codes(told) == ["unavailable"]
    assert told.body["errors"][0]["extensions"]["retryable"] is True
    door.service.log_is_away = False
    assert await make(door, "k")


async def test_a_payment_is_made_and_is_the_one_that_rest_shows(door: Door) -> None:
    told = await ask(door, CREATE, {"input": PAYMENT | {"idempotencyKey": "order 6735"}})
    made = told.body["data"]["createPayment"]
    assert (made["settled"], made["replayed"]) == (True, False)
    assert made["payment"]["id"] == ids.payment_id(ids.command_uuid(ALICE, "order 6735"))
    by_rest = (await door.get(f"/v1/payments/{made['payment']['id']}")).body
    assert made["payment"] == {name: by_rest[name] for name in ("id", "status", "amount")}
    assert told.headers["Request-Id"].startswith("req_")


async def test_one_key_is_one_payment_in_either_language(door: Door) -> None:
    by_rest = await door.post("/v1/payments", BODY, "k")
    told = await ask(door, CREATE, {"input": PAYMENT | {"idempotencyKey": "k"}})
    made = told.body["data"]["createPayment"]
    assert (made["payment"]["id"], made["replayed"]) == (by_rest.body["id"], True)
    other = await ask(door, CREATE, {"input": PAYMENT | {"idempotencyKey": "k", "amount": 2000}})
    assert codes(other) == ["idempotency_key_reused"]
    assert other.body["data"] == {"createPayment": None}


@pytest.mark.parametrize(
    ("header", "given", "code"),
    [
        ("k", None, None), (None, "k", None), ("k", "k", None), ('"k"', "k", None), ("k", "", None),
        ("k", "other", "validation_failed"), (None, None, "idempotency_key_missing"), (None, "", "idempotency_key_missing"),
        (None, "x" * 256, "validation_failed"), ("x", "\u0000", "validation_failed"),
    ],
)  # fmt: skip
async def test_the_key_is_in_the_input_or_in_the_header_or_in_both_alike(
    door: Door, header: str | None, given: str | None, code: str | None
) -> None:
    change = {} if given is None else {"idempotencyKey": given}
    headers = {} if header is None else {"Idempotency_Key": header}
    told = await ask(door, CREATE, {"input": PAYMENT | change}, **headers)
    if code is not None:
        assert codes(told) == [code]
        assert door.service.appended == []
    else:
        made = told.body["data"]["createPayment"]["payment"]["id"]
        assert made == ids.payment_id(ids.command_uuid(ALICE, "k"))


async def test_parallel_mutations_with_one_key_make_one_payment(door: Door) -> None:
    assert len(set(await asyncio.gather(*(make(door) for _ in range(30))))) == 1
    assert len(door.service.transactions) == 1


async def test_all_terms_reach_the_command(door: Door) -> None:
    terms: dict[str, Any] = {
        "captureMethod": "manual",
        "description": "Zwölf Äpfel\n🍏",
        "customer": "cus_1",
        "receiptEmail": "jenny@example.com",
        "statementDescriptorSuffix": "ORDER 6735",
        "returnUrl": "https://shop.example/done?x=1",
        "offSession": True,
        "metadata": {"a": "b"},
    }
    await make(door, **terms)
    command = door.service.appended[0]
    assert isinstance(command, CreatePayment)
    asked = [
        getattr(command.terms, member)
        for member in bodies.PaymentBody.model_fields
        if hasattr(command.terms, member)
    ]
    assert asked == ["pm_card_visa", *terms.values()]


async def test_a_payment_is_captured_in_part_and_another_cancelled(door: Door) -> None:
    one, other = await make(door, "1", captureMethod="manual"), await make(door, "2", captureMethod="manual")
    capture = """mutation($id: ID!) { capturePayment(input: {paymentId: $id, amount: 1500, idempotencyKey: "c"}) {
        settled payment { status amountCaptured } } }"""
    told = await ask(door, capture, {"id": one})
    assert told.body["data"]["capturePayment"] == {
        "settled": True,
        "payment": {"status": "captured", "amountCaptured": 1500},
    }
    cancel = """mutation($id: ID!) { cancelPayment(input: {paymentId: $id, reason: abandoned, idempotencyKey: "x"}) {
        payment { status } } }"""
    told = await ask(door, cancel, {"id": other})
    assert told.body["data"]["cancelPayment"]["payment"] == {"status": "canceled"}
    command = door.service.appended[-1]
    assert isinstance(command, CancelPayment) and command.reason == "abandoned"


async def test_a_key_that_may_only_read_makes_nothing(door: Door) -> None:
    told = await ask(door, CREATE, {"input": PAYMENT | {"idempotencyKey": "k"}}, key=READ_ONLY_KEY)
    assert (codes(told), told.body["data"]) == (["forbidden"], {"createPayment": None})
    assert door.service.appended == []
    assert "errors" not in (await ask(door, "{ payments { edges { cursor } } }", key=READ_ONLY_KEY)).body


@pytest.mark.parametrize(
    ("body", "type"),
    [
        (bodies.PaymentBody, inputs.CreatePaymentInput), (bodies.CaptureBody, inputs.CapturePaymentInput),
        (bodies.CancelBody, inputs.CancelPaymentInput), (bodies.RefundBody, inputs.CreateRefundInput),
    ],
)  # fmt: skip
def test_all_that_rest_takes_is_taken(body: Any, type: Any) -> None:
    fields = {field.python_name for field in type.__strawberry_definition__.fields}
    assert fields - {"payment_id", "idempotency_key", "wait_seconds"} == set(body.model_fields)
