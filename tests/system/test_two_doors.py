"""Payments by HTTP and by raw Kafka records, from the first request to the last refund, read back through both doors."""

import json

import pytest
from aiokafka import ConsumerRecord

from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.kafka_client import KafkaClient, listening, replies_on
from tests.system.simulator import SimulatorControl
from tests.system.stack import System
from tests.system.topics import Topics

pytestmark = pytest.mark.real

REPLIES = "payments.replies.system-tests"
REPLIES_WITHIN_S = 15.0


async def test_a_payment_by_http_is_captured_and_refunded_and_read_at_both_doors(
    system: System, http: HttpClient, inquest: Inquest
) -> None:
    made = await http.create("door-1", amount=1999, metadata={"order": "6735"})
    assert made.status == 201, made.answer
    assert made.answer["status"] == "captured"
    assert made.headers["Location"] == f"/v1/payments/{made.payment_id}"
    refunded = await http.refund(made.payment_id, "door-1-refund", amount=500)
    assert refunded.status == 201, refunded.answer
    for door in range(len(http.doors)):
        status, payment = await http.get(f"/v1/payments/{made.payment_id}", door)
        assert status == 200
        assert (payment["status"], payment["amount_refunded"], payment["amount_refundable"]) == (
            "captured",
            500,
            1499,
        )
        status, refund = await http.get(f"/v1/refunds/{refunded.answer['id']}", door)
        assert (status, refund["amount"], refund["payment"]) == (200, 500, made.payment_id)
    await inquest.hold()
    told = [json.loads(r.value) for r in await _events_of(system, made.payment_id)]
    assert told[-1]["payment"] == payment
    status, story = await http.get(f"/v1/payments/{made.payment_id}/events")
    assert [event["type"] for event in story["data"]] == [
        "payment.requested.v1",
        "payment.captured.v1",
        "refund.requested.v1",
        "refund.succeeded.v1",
    ]
    asked, paid, wanted, refunded_at = [event["cause"] for event in story["data"]]
    assert asked == {"command": "payment.create.v1", "by": "api"}
    assert wanted == {"command": "refund.create.v1", "by": "api"}
    for learned in (paid, refunded_at):  # by the answer, or the webhook that was quicker
        assert learned["by"] in ("provider", "webhook")
        assert learned.get("notice", "evt_")[:4] == "evt_"
        assert [request[:4] for request in learned.get("provider_requests", ["req_"])] == ["req_"]
    status, page = await http.get("/v1/payments?metadata[order]=6735")
    assert [each["id"] for each in page["data"]] == [made.payment_id]


async def test_a_payment_by_a_raw_record_is_answered_and_read_over_http(
    system: System, http: HttpClient, kafka_client: KafkaClient, inquest: Inquest
) -> None:
    async with listening(system.kafka, REPLIES, partition=1) as replies:
        made = await kafka_client.create("record-1", reply_to=f"{REPLIES}/1", amount=4200)
        created = (await replies_on(replies, {made.command_id}, REPLIES_WITHIN_S))[made.command_id]
        assert created["payment"]["status"] == "captured"
        asked = await kafka_client.refund(made.payment_id, "record-1-refund", f"{REPLIES}/1", amount=200)
        refunded = (await replies_on(replies, {asked.command_id}, REPLIES_WITHIN_S))[asked.command_id]
        assert refunded["refund"] == asked.refund_id
    await inquest.hold()
    status, payment = await http.get(f"/v1/payments/{made.payment_id}")
    assert (status, payment) == (200, refunded["payment"])


async def test_one_key_is_one_payment_whichever_door_it_comes_through(
    http: HttpClient, kafka_client: KafkaClient, inquest: Inquest
) -> None:
    by_record = await kafka_client.create("both-doors", amount=777)
    by_http = await http.create("both-doors", amount=777)
    assert by_http.status == 201
    assert by_http.answer["id"] == by_record.payment_id
    await inquest.hold()


async def test_a_manual_payment_is_captured_in_part_and_the_rest_released(
    http: HttpClient, inquest: Inquest
) -> None:
    held = await http.create("manual-1", amount=5000, capture_method="manual")
    assert (held.answer["status"], held.answer["amount_capturable"]) == ("authorized", 5000)
    too_much = await http.capture(held.payment_id, "manual-1-too-much", amount=5001)
    assert (too_much.status, too_much.answer["code"]) == (422, "capture_exceeds_authorized")
    taken = await http.capture(held.payment_id, "manual-1-capture", amount=3000)
    assert taken.status == 200
    assert (taken.answer["status"], taken.answer["amount_captured"]) == ("captured", 3000)
    over = await http.refund(held.payment_id, "manual-1-refund-over", amount=3001)
    assert (over.status, over.answer["code"]) == (422, "refund_exceeds_refundable")
    rest = await http.refund(held.payment_id, "manual-1-refund")
    assert (rest.status, rest.answer["amount"]) == (201, 3000)
    await inquest.hold()


async def test_a_manual_payment_is_canceled_and_cannot_be_captured_any_more(
    http: HttpClient, inquest: Inquest
) -> None:
    held = await http.create("manual-2", amount=5000, capture_method="manual")
    gone = await http.cancel(held.payment_id, "manual-2-cancel", reason="abandoned")
    assert (gone.status, gone.answer["status"]) == (200, "canceled")
    late = await http.capture(held.payment_id, "manual-2-capture")
    assert (late.status, late.answer["code"]) == (409, "payment_state_conflict")
    await inquest.hold()


async def test_a_decline_is_a_payment_that_says_why(http: HttpClient, inquest: Inquest) -> None:
    made = await http.create("decline-1", payment_method="pm_card_chargeDeclinedInsufficientFunds")
    assert (made.status, made.answer["status"]) == (201, "declined")
    assert made.answer["decline"]["decline_code"] == "insufficient_funds"
    refused = await http.refund(made.payment_id, "decline-1-refund", amount=1)
    assert refused.outcome == "fail"
    await inquest.hold()


@pytest.mark.parametrize(("outcome", "status"), [("succeed", "captured"), ("fail", "declined")])
async def test_a_payment_that_waits_for_its_customer_goes_on_when_stripe_tells(
    http: HttpClient, stripe: SimulatorControl, inquest: Inquest, outcome: str, status: str
) -> None:
    made = await http.create(
        f"action-{outcome}",
        payment_method="pm_card_authenticationRequired",
        return_url="https://shop.example/done",
    )
    assert (made.status, made.answer["status"]) == (201, "requires_action"), made.answer
    assert made.answer["next_action"]
    await stripe.authenticate(made.answer["provider"]["payment_intent"], outcome)
    await inquest.hold()
    assert (await http.get(f"/v1/payments/{made.payment_id}"))[1]["status"] == status


async def test_refunds_that_take_their_time_or_fail_end_as_stripe_says(
    http: HttpClient, inquest: Inquest
) -> None:
    slow = await http.create("refund-slow", payment_method="pm_card_pendingRefund")
    lost = await http.create("refund-lost", payment_method="pm_card_refundFail")
    for made in (slow, lost):
        assert (await http.refund(made.payment_id, f"{made.payment_id}-refund", amount=100)).status == 201
    await inquest.hold()


async def _events_of(system: System, payment_id: str) -> list[ConsumerRecord]:
    topic = Topics(system.kafka.bootstrap, ["payments.events.v1"], system.settings.partitions)
    return [record for record in await topic.read_on() if record.key == payment_id.encode()]
