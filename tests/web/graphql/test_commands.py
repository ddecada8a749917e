"""How long a mutation waits, what it says when it cannot wait longer, and what goes along with it."""

import asyncio

import pytest

from tests.web.fakes import Door, open_door
from tests.web.graphql.client import CREATE, PAYMENT, ask, codes, errors, make
from tests.web.service import OTHER_KEY
from tests.web.test_waiting import until
from web.graphql import context


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
    monkeypatch.setattr(context, "WAIT_MAX_S", 0.3)
    door.service.provider_is_silent = True
    pay = 'createPayment(input: {amount: 1999, currency: "usd", paymentMethod: "pm_card_visa", idempotencyKey: "%d"}) { settled }'
    query = "mutation {" + " ".join(f"a{n}: {pay % n}" for n in range(5)) + "}"
    async with asyncio.timeout(1.2):
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
