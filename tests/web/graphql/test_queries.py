"""What is asked for in GraphQL is shown and refused as it is in REST."""

import dataclasses
from typing import Any

import pytest

from models.callers import Principal
from tests.web.fakes import Door
from tests.web.graphql.client import PAYMENT, ask, codes, errors, make
from tests.web.service import KEY, OTHER_KEY, PRINCIPALS
from web import shown
from web.graphql import types
from web.operations import PAYMENTS_WRITE

NOBODYS = "pay_" + "0" * 32


REFUND = """mutation($input: CreateRefundInput!) {
  createRefund(input: $input) { settled replayed refund { id paymentId status amount reason } }
}"""


async def test_refunds_are_made_read_and_listed_newest_first(door: Door) -> None:
    payment = await make(door)
    for amount in (100, 200, 300):
        asked = {
            "paymentId": payment,
            "amount": amount,
            "reason": "duplicate",
            "idempotencyKey": f"r{amount}",
        }
        told = await ask(door, REFUND, {"input": asked})
        made = told.body["data"]["createRefund"]
        assert made["settled"] and made["refund"]["paymentId"] == payment
    read = await ask(
        door,
        "query($id: ID!) { refund(id: $id) { id paymentId status amount reason } }",
        {"id": made["refund"]["id"]},
    )
    assert read.body["data"]["refund"] == made["refund"]
    page = """query($id: ID!, $after: String) { payment(id: $id) { refunds(first: 2, after: $after) {
        edges { cursor node { amount paymentId } } pageInfo { hasNextPage hasPreviousPage endCursor } } } }"""
    told = await ask(door, page, {"id": payment})
    refunds = told.body["data"]["payment"]["refunds"]
    assert [edge["node"] for edge in refunds["edges"]] == [
        {"amount": n, "paymentId": payment} for n in (300, 200)
    ]
    assert refunds["pageInfo"] == {
        "hasNextPage": True,
        "hasPreviousPage": False,
        "endCursor": refunds["edges"][1]["cursor"],
    }
    told = await ask(door, page, {"id": payment, "after": refunds["pageInfo"]["endCursor"]})
    refunds = told.body["data"]["payment"]["refunds"]
    assert [edge["node"]["amount"] for edge in refunds["edges"]] == [100]
    assert (refunds["pageInfo"]["hasNextPage"], refunds["pageInfo"]["hasPreviousPage"]) == (False, True)


async def test_a_decline_is_a_payment_too(door: Door) -> None:
    declined = await make(door, paymentMethod="pm_card_chargeDeclined")
    told = await ask(
        door, "query($id: ID!) { payment(id: $id) { status decline { code declineCode } } }", {"id": declined}
    )
    assert told.body["data"]["payment"] == {
        "status": "declined",
        "decline": {"code": "card_declined", "declineCode": "generic_decline"},
    }


async def test_the_story_is_told_in_pages_each_with_the_payment(door: Door) -> None:
    payment = await make(door)
    story = """query($id: ID!, $after: String) { payment(id: $id) { events(first: 1, after: $after) {
        edges { cursor node { type sequence paymentId payment { id } } } pageInfo { hasNextPage endCursor } } } }"""
    after, told = None, []
    while True:
        answer = await ask(door, story, {"id": payment, "after": after})
        events = answer.body["data"]["payment"]["events"]
        told += [edge["node"] for edge in events["edges"]]
        if not events["pageInfo"]["hasNextPage"]:
            break
        after = events["pageInfo"]["endCursor"]
    assert [(event["type"], event["sequence"]) for event in told] == [
        ("payment.requested.v1", 1),
        ("payment.captured.v1", 2),
    ]
    assert all(event["paymentId"] == payment == event["payment"]["id"] for event in told)


PAGE = """query($first: Int, $after: String, $last: Int, $before: String) {
  payments(first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


async def test_payments_are_read_in_pages_forwards_and_back(door: Door) -> None:
    made = [await make(door, f"k{n}") for n in range(5)][::-1]

    async def page(**asked: Any) -> tuple[list[str], dict[str, Any]]:
        found = (await ask(door, PAGE, asked)).body["data"]["payments"]
        return [edge["node"]["id"] for edge in found["edges"]], found["pageInfo"]

    first, info = await page(first=2)
    assert (first, info["hasNextPage"], info["hasPreviousPage"]) == (made[:2], True, False)
    second, info = await page(first=2, after=info["endCursor"])
    assert (second, info["hasNextPage"], info["hasPreviousPage"]) == (made[2:4], True, True)
    third, info = await page(after=info["endCursor"])
    assert (third, info["hasNextPage"]) == (made[4:], False)
    back, info = await page(last=2, before=info["startCursor"])
    assert (back, info["hasNextPage"], info["hasPreviousPage"]) == (made[2:4], True, True)
    assert (await page())[0] == made


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        ({"first": 0}, ["first"]), ({"first": 101}, ["first"]), ({"last": 5}, ["last"]), ({"last": -1}, ["last", "last"]),
        ({"first": 1, "last": 1}, ["last"]), ({"first": 1, "before": NOBODYS}, ["before"]),
        ({"after": NOBODYS, "before": NOBODYS}, ["before"]), ({"after": "x"}, ["starting_after"]),
    ],
)  # fmt: skip
async def test_a_page_that_is_none_is_refused(door: Door, asked: dict[str, Any], fields: list[str]) -> None:
    told = await ask(door, PAGE, asked)
    assert codes(told) == ["validation_failed"]
    assert [error["field"] for error in errors(told)[0]["errors"]] == fields


async def test_filters_are_those_of_rest(door: Door) -> None:
    await make(door, "1")
    await make(door, "2", captureMethod="manual")
    told = await ask(door, "{ payments(status: authorized) { edges { node { status } } } }")
    assert told.body["data"]["payments"]["edges"] == [{"node": {"status": "authorized"}}]
    query = """query($m: Metadata) { payments(currency: "usd", customer: "cus_1", metadata: $m,
        createdAfter: "2026-01-31T12:00:00Z") { edges { cursor } } }"""
    await ask(door, query, {"m": {"order": "6735", "lot-no": "7"}})
    where = door.service.asked_where
    assert (where.currency, where.customer) == ("usd", "cus_1")
    assert where.metadata == (("order", "6735"), ("lot-no", "7"))
    assert where.created_after is not None and where.created_after.year == 2026


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ('currency: "USD"', "currency"), ('customer: ""', "customer"), ('createdAfter: "yesterday"', "created_after"),
        ("createdBefore: 5", "created_before"), ("createdBefore: {a: [1]}", "created_before"), ("metadata: 5", "metadata"),
        ("metadata: {a: 1}", "metadata.a"), ('metadata: {a: "4242424242424242"}', "metadata.a"),
    ],
)  # fmt: skip
async def test_a_bad_filter_is_named(door: Door, arguments: str, field: str) -> None:
    told = await ask(door, f"{{ payments({arguments}) {{ edges {{ cursor }} }} }}")
    assert codes(told) == ["validation_failed"]
    assert [error["field"] for error in errors(told)[0]["errors"]] == [field]


async def test_several_fields_fail_alone(door: Door) -> None:
    payment = await make(door)
    told = await ask(
        door,
        "query($a: ID!, $b: ID!) { mine: payment(id: $a) { id } none: payment(id: $b) { id } }",
        {"a": payment, "b": NOBODYS},
    )
    assert told.status == 200
    assert told.body["data"] == {"mine": {"id": payment}, "none": None}
    assert [(error["path"], error["extensions"]["code"]) for error in told.body["errors"]] == [
        (["none"], "not_found")
    ]


async def test_nothing_of_another_merchants_is_seen_or_touched(door: Door) -> None:
    payment = await make(door, captureMethod="manual")
    refundable = await make(door, "2")
    refund = await ask(door, REFUND, {"input": {"paymentId": refundable, "amount": 5, "idempotencyKey": "r"}})
    refund_id = refund.body["data"]["createRefund"]["refund"]["id"]
    of_payment = f'paymentId: "{payment}", idempotencyKey: "theirs"'
    for field in (
        f'payment(id: "{payment}") {{ id events {{ edges {{ cursor }} }} refunds {{ edges {{ cursor }} }} }}',
        f'refund(id: "{refund_id}") {{ id }}',
    ):
        theirs = await ask(door, f"{{ {field} }}", key=OTHER_KEY)
        assert codes(theirs) == ["not_found"], field
        assert codes_of_mine(await ask(door, f"{{ {field} }}")) == []
    for field in (
        f"capturePayment(input: {{{of_payment}}}) {{ payment {{ id }} }}",
        f"cancelPayment(input: {{{of_payment}}}) {{ payment {{ id }} }}",
        f'createRefund(input: {{paymentId: "{refundable}", idempotencyKey: "theirs"}}) {{ refund {{ id }} }}',
    ):
        theirs = await ask(door, f"mutation {{ {field} }}", key=OTHER_KEY)
        assert codes(theirs) == ["not_found"], field
    assert (await ask(door, "{ payments { edges { cursor } } }", key=OTHER_KEY)).body["data"]["payments"][
        "edges"
    ] == []
    assert (await ask(door, f'{{ payment(id: "{payment}") {{ status }} }}')).body["data"]["payment"][
        "status"
    ] == "authorized"


def codes_of_mine(told: Any) -> list[str]:
    return codes(told) if "errors" in told.body else []


async def test_a_key_that_may_only_write_reads_nothing_but_the_answer(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = PRINCIPALS[KEY]
    assert isinstance(holder, Principal)
    only_writes = dataclasses.replace(holder, scopes=frozenset({PAYMENTS_WRITE}))
    monkeypatch.setitem(PRINCIPALS, KEY, only_writes)
    query = """mutation($input: CreatePaymentInput!) { createPayment(input: $input) {
        payment { status refunds { edges { cursor } } events { edges { cursor } } } } }"""
    told = await ask(door, query, {"input": PAYMENT | {"idempotencyKey": "k"}})
    assert codes(told) == ["forbidden"]
    assert told.body["data"]["createPayment"]["payment"] == {
        "status": "captured",
        "refunds": {"edges": []},
        "events": None,
    }


@pytest.mark.parametrize(
    ("view", "type", "apart"),
    [
        (shown.Payment, types.Payment, {"object"}), (shown.Dispute, types.Dispute, {"object"}),
        (shown.Refund, types.Refund, {"object", "payment"}), (shown.Decline, types.Decline, set()),
        (shown.Provider, types.Provider, set()), (shown.Cause, types.Cause, set()),
        (shown.PaymentEvent, types.PaymentEvent, {"object"}),
    ],
)  # fmt: skip
def test_all_that_rest_shows_is_shown(view: Any, type: Any, apart: set[str]) -> None:
    fields = {field.python_name for field in type.__strawberry_definition__.fields}
    assert set(view.model_fields) - apart <= fields
    assert fields - set(view.model_fields) <= {"payment_id", "events"}
