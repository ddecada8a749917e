"""Stripe's webhooks as they come: forged, before the API's own answer, three times, shuffled; and strangers at every route."""

import json
import time
from collections import Counter

import pytest
from aiokafka import AIOKafkaConsumer

from models.payment import PaymentStatus
from streams.topics import NOTICES
from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.signing import canceled_notice, signed
from tests.system.simulator import SimulatorControl
from tests.system.stack import System

pytestmark = pytest.mark.real


async def test_a_forged_webhook_is_turned_away_and_changes_nothing(
    http: HttpClient, inquest: Inquest
) -> None:
    made = await http.create("forged-1", capture_method="manual")
    body = canceled_notice(made.payment_id, made.merchant, made.answer["provider"]["payment_intent"])
    forged: list[dict[str, str]] = [
        {},
        {"Stripe-Signature": "t=1,v1=00"},
        {"Stripe-Signature": "é" * 10},
        {"Stripe-Signature": "t=" + "9" * 5000 + ",v1=" + "a" * 64},
        signed(body, "whsec_another"),
        signed(body + b" "),
        signed(body, at=time.time() - 3600),
        signed(body, at=time.time() + 3600),
    ]
    for headers in forged:
        status, _, answer = await http.once("POST", "/webhooks/stripe", headers, body)
        assert status == 400, (headers, answer)
        assert json.loads(answer)["code"] == "signature_invalid"
    found = await inquest.hold()
    payment = found.log.replayed[made.payment_id].payment
    assert payment is not None and payment.status is PaymentStatus.AUTHORIZED


async def test_a_signed_time_or_amount_beyond_all_measure_stops_nobody(
    http: HttpClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    """It would end the writer, and whoever starts it next would meet it again."""
    made = await http.create(
        "beyond-1", payment_method="pm_card_authenticationRequired", capture_method="manual"
    )
    intent = made.answer["provider"]["payment_intent"]
    before = json.loads(canceled_notice(made.payment_id, made.merchant, intent))
    for number, capture_before in enumerate((-62_135_596_800, 0, 10**11, 2**63)):
        card = {"payment_method_details": {"card": {"capture_before": capture_before}}}
        shown = before["data"]["object"] | {
            "status": "requires_capture",
            "amount_capturable": 1999,
            "amount_received": 0,
            "latest_charge": {"id": "ch_1", **card},
        }
        told = before | {"id": f"evt_beyond_{number}", "type": "payment_intent.amount_capturable_updated"}
        body = json.dumps(told | {"data": {"object": shown}}).encode()
        assert (await http.once("POST", "/webhooks/stripe", signed(body), body))[0] == 200
    for number in range(2):
        dispute = {"id": f"du_{number}", "object": "dispute", "status": "needs_response", "currency": "usd"}
        shown = dispute | {
            "amount": 2**63,
            "payment_intent": intent,
            "balance_transactions": [{"amount": -5}],
        }
        told = before | {"id": f"evt_amount_{number}", "type": "charge.dispute.created"}
        body = json.dumps(told | {"data": {"object": shown}}).encode()
        assert (await http.once("POST", "/webhooks/stripe", signed(body), body))[0] == 200
    assert (await http.create("beyond-2")).status == 201
    await stripe.authenticate(intent, "succeed")
    await inquest.hold()


async def test_a_notice_is_taken_in_once_and_one_of_an_unknown_type_is_kept_as_it_came(
    http: HttpClient, system: System, inquest: Inquest
) -> None:
    told = {"id": "evt_new", "object": "event", "type": "payment_intent.reversed", "livemode": False}
    body = json.dumps({**told, "data": {"object": {"id": "pi_new", "object": "payment_intent"}}}).encode()
    before = len((await inquest.hold()).log.commands)
    for _ in range(3):
        assert (await http.once("POST", "/webhooks/stripe", signed(body), body))[0] == 200
    consumer = AIOKafkaConsumer(
        NOTICES, bootstrap_servers=system.kafka.bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        records = [await consumer.getone() for _ in range(sum(ends.values()))]
    finally:
        await consumer.stop()
    (kept,) = [record for record in records if record.key == b"pi_new"]
    assert kept.value == body
    assert ("ce_type", b"payment_intent.reversed") in kept.headers
    assert len((await inquest.hold()).log.commands) == before


async def test_signed_nonsense_is_taken_and_changes_nothing(http: HttpClient, inquest: Inquest) -> None:
    """Stripe would send it again for three days; there is nothing to be done about it."""
    before = len((await inquest.hold()).log.commands)
    for body in (b"", b"[]", b"{}", b"\xff", b'{"type": "payment_intent.succeeded"}', b"null", b"1"):
        status, _, answer = await http.once("POST", "/webhooks/stripe", signed(body), body)
        assert status < 500, (body, answer)
    assert len((await inquest.hold()).log.commands) == before


async def test_a_webhook_before_the_answer_settles_the_payment_once(
    http: HttpClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    await stripe.plan({"kind": "delay", "endpoint": "payment_intents.create", "ms": 6_000})
    began = time.monotonic()
    made = await http.create("early-webhook", amount=1234)
    assert (made.status, made.answer["status"]) == (201, "captured")
    assert time.monotonic() - began < 5.5, "the webhook was there long before the answer"
    await inquest.hold()


async def test_webhooks_three_times_and_shuffled_end_in_the_same_state(
    http: HttpClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    await stripe.plan(
        {"kind": "webhook_duplicate", "n": 3},
        {"kind": "webhook_shuffle", "seconds": 2},
        {"kind": "webhook_twin"},
    )
    for number in range(8):
        made = await http.create(f"shuffled-{number}", amount=1000, capture_method="manual")
        if number % 2:
            await http.capture(made.payment_id, f"shuffled-{number}-capture", amount=800)
            await http.refund(made.payment_id, f"shuffled-{number}-refund", amount=300)
        else:
            await http.cancel(made.payment_id, f"shuffled-{number}-cancel")
    found = await inquest.hold()
    notices = Counter(dict(r.headers)["ce_id"] for r in found.log.commands.values() if _is_notice(r.headers))
    assert max(notices.values()) >= 3


async def test_webhooks_out_of_order_and_before_the_answer_under_one(
    http: HttpClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    await stripe.plan(
        {"kind": "delay", "ms": 700},
        {"kind": "webhook_duplicate", "n": 3},
        {"kind": "webhook_shuffle", "seconds": 1},
    )
    for number in range(3):
        made = await http.create(f"stirred-{number}", amount=1000)
        await http.refund(made.payment_id, f"stirred-{number}-refund", amount=400)
    await inquest.hold()


async def test_two_merchants_may_use_one_key(
    http: HttpClient, stranger: HttpClient, inquest: Inquest
) -> None:
    mine, theirs = (
        await http.create("shared-key", amount=1000),
        await stranger.create("shared-key", amount=2000),
    )
    assert (mine.status, theirs.status) == (201, 201)
    assert mine.answer["id"] != theirs.answer["id"]
    await inquest.hold()


def _is_notice(headers: list[tuple[str, bytes]]) -> bool:
    return dict(headers).get("ce_type") == b"provider.notice.v1"
