"""The same request again, many times at once and by both doors: one payment, one charge, one answer."""

import asyncio
import copy
from random import Random

import pytest

from tests.system.again import asked_again
from tests.system.history import History
from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.kafka_client import KafkaClient

pytestmark = pytest.mark.real

PARALLEL = 50


async def test_fifty_posts_at_once_with_one_key_are_one_payment(http: HttpClient, inquest: Inquest) -> None:
    made = await asyncio.gather(*(http.create("fifty", amount=4999) for _ in range(PARALLEL)))
    assert {each.status for each in made} <= {201, 202}
    assert {each.answer["id"] for each in made} == {made[0].payment_id}
    assert {each.answer["status"] for each in made if each.status == 201} == {"captured"}
    found = await inquest.hold()
    charges = [e for e in found.ledger.entries if e["payment"] == made[0].payment_id]
    assert [(e["kind"], e["outcome"]) for e in charges] == [("charge", "succeeded")]
    again = await http.create("fifty", amount=4999)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.answer == (await http.get(f"/v1/payments/{again.payment_id}"))[1]


async def test_fifty_refunds_at_once_with_one_key_are_one_refund(http: HttpClient, inquest: Inquest) -> None:
    made = await http.create("fifty-refunds", amount=4999)
    asked = (http.refund(made.payment_id, "fifty-refunds-r", amount=1000) for _ in range(PARALLEL))
    refunds = await asyncio.gather(*asked)
    assert {each.status for each in refunds} <= {201, 202}
    assert len({each.answer["id"] for each in refunds}) == 1
    await inquest.hold()
    assert (await http.get(f"/v1/payments/{made.payment_id}"))[1]["amount_refunded"] == 1000


async def test_refunds_that_race_never_exceed_what_was_captured(http: HttpClient, inquest: Inquest) -> None:
    made = await http.create("racing", amount=1000)
    asked = (http.refund(made.payment_id, f"racing-{n}", amount=300) for n in range(10))
    codes = [(each.status, each.answer.get("code")) for each in await asyncio.gather(*asked)]
    assert codes.count((422, "refund_exceeds_refundable")) == 7
    await inquest.hold()


async def test_a_key_reused_with_another_body_is_refused(http: HttpClient, inquest: Inquest) -> None:
    first = await http.create("reused", amount=1000)
    other = await http.create("reused", amount=1001)
    assert (first.status, other.status) == (201, 422)
    assert other.answer["code"] == "idempotency_key_reused"
    still = await http.create("reused", amount=1000)
    assert (still.status, still.answer["id"], still.answer["amount"]) == (201, first.answer["id"], 1000)
    await inquest.hold()


async def test_reused_keys_at_once_make_one_of_the_two_payments(http: HttpClient, inquest: Inquest) -> None:
    both = await asyncio.gather(*(http.create("torn", amount=1000 + n % 2) for n in range(20)))
    made = [each for each in both if each.status == 201]
    refused = [each for each in both if each.status == 422]
    assert len({each.answer["amount"] for each in made}) == 1
    assert len(made) + len(refused) == 20
    assert {each.answer["code"] for each in refused} == {"idempotency_key_reused"}
    await inquest.hold()


async def test_the_same_record_five_times_is_one_command(
    kafka_client: KafkaClient, http: HttpClient, inquest: Inquest
) -> None:
    made = [await kafka_client.create("five", amount=3100) for _ in range(5)]
    for _ in range(5):
        await kafka_client.refund(made[0].payment_id, "five-refund", amount=100)
    other = await kafka_client.create("five", amount=9999)
    found = await inquest.hold()
    story = found.log.stories[made[0].payment_id]
    kinds = [told.type for _, told in story]
    assert kinds.count("payment.requested.v1") == 1
    refused = [told.content["code"] for _, told in story if told.type == "command.refused.v1"]
    assert "idempotency_key_reused" in refused
    assert (await http.get(f"/v1/payments/{other.payment_id}"))[1]["amount"] == 3100


async def test_old_commands_are_answered_as_they_were_however_late(
    http: HttpClient, history: History, inquest: Inquest
) -> None:
    made = await http.create("long-ago", amount=1000)
    back = await http.refund(made.payment_id, "long-ago-refund", amount=400)
    beyond = await http.refund(made.payment_id, "long-ago-beyond", amount=700)
    old = copy.copy(history)
    old.operations = [made, back, beyond]
    before = await inquest.hold()
    happened = len(before.log.stories[made.payment_id])
    again = await asked_again(http, old, Random(1))
    assert [each.status for each in again] == [201, 201, 422]
    assert [each.answer.get("id") for each in again] == [made.payment_id, back.answer["id"], None]
    assert len((await inquest.hold()).log.stories[made.payment_id]) == happened
