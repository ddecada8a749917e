"""Webhooks: whose they are, and what command they become. The simulator's own webhooks are read here too."""

import hmac
import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from models.commands import RecordNotice
from models.ports import SignatureInvalid, Unaddressed, Unfamiliar
from models.provider import (
    DisputeSnapshot,
    DisputeStatus,
    IntentSnapshot,
    IntentStatus,
    RefundSnapshot,
    RefundStatus,
)
from models.terms import CaptureMethod
from sandbox.ports import Ports
from streams.adapters.stripe_notices import StripeNotices
from streams.adapters.stripe_provider import StripeProvider
from tests.streams.adapters.stripe.stripe_world import (
    JSON,
    MERCHANT,
    StripeProcess,
    cancel,
    create,
    new_payment,
    new_refund,
    paid,
    refund,
    shown,
    until,
)

OLD, NEW = "whsec_old", "whsec_new"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAYMENT = "pay_" + "a" * 32
REFUND = "re_" + "b" * 32
OURS = {"payment_id": PAYMENT, "merchant": MERCHANT}
notices = StripeNotices([OLD, NEW])


def intent(**changes: Any) -> JSON:
    return {
        "id": "pi_1", "object": "payment_intent", "status": "succeeded", "amount": 1999, "amount_received": 1999,
        "amount_capturable": 0, "currency": "usd", "latest_charge": "ch_1", "metadata": OURS, **changes,
    }  # fmt: skip


def a_refund(**changes: Any) -> JSON:
    return {
        "id": "re_3x", "object": "refund", "status": "succeeded", "amount": 500, "currency": "usd",
        "payment_intent": "pi_1", "metadata": {**OURS, "refund_id": REFUND}, **changes,
    }  # fmt: skip


def body_of(seen: object, kind: object = "payment_intent.succeeded", event_id: object = "evt_1") -> bytes:
    event = {"id": event_id, "object": "event", "type": kind, "livemode": False, "data": {"object": seen}}
    return json.dumps(event).encode()


def v1(body: bytes, secret: str = NEW, at: datetime = NOW) -> str:
    signed = f"{int(at.timestamp())}.".encode() + body
    return hmac.digest(secret.encode(), signed, "sha256").hex()


def signed(body: bytes, secret: str = NEW, at: datetime = NOW) -> str:
    return f"t={int(at.timestamp())},v1={v1(body, secret, at)}"


def read(body: bytes) -> RecordNotice | None:
    heard = notices.read(body, signed(body), NOW)
    assert not isinstance(heard, Unaddressed | Unfamiliar)
    return heard


def test_a_notice_of_a_payment_of_ours_becomes_a_command_of_that_payment() -> None:
    command = read(body_of(intent()))
    assert command is not None and isinstance(command.snapshot, IntentSnapshot)
    origin = command.origin
    assert (origin.payment_id, origin.merchant, origin.at) == (PAYMENT, MERCHANT, NOW)
    assert (command.notice_id, command.notice_type) == ("evt_1", "payment_intent.succeeded")
    assert command.snapshot.status is IntentStatus.CAPTURED
    assert (command.snapshot.charge, command.snapshot.amount_captured_minor) == ("ch_1", 1999)


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        ({"id": "req_1", "idempotency_key": "k"}, "req_1"),
        ({"id": None}, None),  # a thing that Stripe did by itself
        ({"id": "x" * 100}, None),
        ({"id": 7}, None),
        (None, None),
        ("req_1", None),
    ],
)
def test_a_notice_names_the_request_that_it_tells_of_where_there_was_one(
    request_: object, named: str | None
) -> None:
    event = {**json.loads(body_of(intent())), "request": request_}
    command = read(json.dumps(event).encode())
    assert command is not None and command.request == named


@pytest.mark.parametrize(
    "kind", ["refund.created", "refund.updated", "refund.failed", "charge.refund.updated"]
)
def test_a_notice_of_a_refund_of_ours_becomes_a_command_too(kind: str) -> None:
    command = read(body_of(a_refund(status="failed", failure_reason="lost_or_stolen_card"), kind))
    assert command is not None and isinstance(command.snapshot, RefundSnapshot)
    assert (command.snapshot.refund_id, command.snapshot.status) == (REFUND, RefundStatus.FAILED)
    assert command.snapshot.failure_reason == "lost_or_stolen_card"


def test_the_same_notice_is_the_same_command_and_another_is_another() -> None:
    first, again, other = (
        read(body_of(intent())),
        read(body_of(intent())),
        read(body_of(intent(), event_id="evt_2")),
    )
    assert first is not None and again is not None and other is not None
    assert first == again
    assert first.origin.command_id != other.origin.command_id


def test_a_failed_payment_says_why() -> None:
    last_error = {
        "type": "card_error",
        "code": "card_declined",
        "decline_code": "lost_card",
        "message": "No.",
    }
    failed = intent(status="requires_payment_method", amount_received=0, last_payment_error=last_error)
    command = read(body_of(failed, "payment_intent.payment_failed"))
    assert command is not None and isinstance(command.snapshot, IntentSnapshot)
    assert command.snapshot.status is IntentStatus.FAILED
    assert command.snapshot.decline is not None and command.snapshot.decline.advice == "do_not_retry"


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_either_secret_is_good_while_one_is_rolled(secret: str) -> None:
    body = body_of(intent())
    assert notices.read(body, signed(body, secret), NOW)


def test_one_good_signature_among_several_is_enough_and_other_schemes_are_ignored() -> None:
    body = body_of(intent())
    header = f"t={int(NOW.timestamp())},v0={v1(body)},v1={'0' * 64},v1={v1(body)}"
    assert notices.read(body, header, NOW)
    with pytest.raises(SignatureInvalid):
        notices.read(body, f"t={int(NOW.timestamp())},v0={v1(body)}", NOW)


@pytest.mark.parametrize("off_s", [-300, -299, 0, 299, 300])
def test_a_signature_within_five_minutes_of_now_is_good(off_s: int) -> None:
    body = body_of(intent())
    assert notices.read(body, signed(body, at=NOW + timedelta(seconds=off_s)), NOW)


@pytest.mark.parametrize("off_s", [-301, 301, -86_400, 86_400])
def test_a_signature_too_old_or_from_the_future_is_not(off_s: int) -> None:
    body = body_of(intent())
    with pytest.raises(SignatureInvalid):
        notices.read(body, signed(body, at=NOW + timedelta(seconds=off_s)), NOW)


def test_forgeries_are_refused() -> None:
    body = body_of(intent())
    good, at = signed(body), int(NOW.timestamp())
    for forged_body, header in [
        (body, signed(body, "whsec_guessed")),
        (body + b" ", good),
        (body.replace(b"1999", b"9999"), good),
        (body, good.replace(f"t={at}", f"t={at + 1}")),
        (body, good[:-1]),
        (body, good.upper()),
    ]:
        with pytest.raises(SignatureInvalid):
            notices.read(forged_body, header, NOW)


@pytest.mark.parametrize(
    "header",
    [
        "",
        ",",
        "t=",
        "t=1",
        "v1=00",
        "t=x,v1=00",
        "t=-5,v1=00",
        "t=1e9,v1=00",
        "t=١٢٣,v1=00",
        "t=99999999999999999999,v1=00",
        f"t={int(NOW.timestamp())},t=1,v1=00",
        f"t={int(NOW.timestamp())},v1=ü\ud800",
        "t=1," + "v1=00," * 50,
        "t=1,v1=" + "0" * 10_000,
    ],
)
def test_a_header_of_any_odd_form_is_refused_and_nothing_else(header: str) -> None:
    with pytest.raises(SignatureInvalid):
        notices.read(body_of(intent()), header, NOW)


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        (intent(), "payment_intent.created"),
        (intent(), "charge.captured"),
        (intent(), "customer.created"),
        (intent(), None),
        (intent(), ["payment_intent.succeeded"]),
        (intent(metadata={}), "payment_intent.succeeded"),
        (intent(metadata=None), "payment_intent.succeeded"),
        (intent(metadata={**OURS, "payment_id": "pay_short"}), "payment_intent.succeeded"),
        (intent(metadata={**OURS, "payment_id": PAYMENT + "\n"}), "payment_intent.succeeded"),
        (intent(metadata={**OURS, "payment_id": 7}), "payment_intent.succeeded"),
        (intent(metadata={"payment_id": PAYMENT}), "payment_intent.succeeded"),
        (intent(metadata={**OURS, "merchant": "m" * 256}), "payment_intent.succeeded"),
        (intent(status="requires_confirmation"), "payment_intent.succeeded"),
        (a_refund(metadata=OURS), "refund.created"),
        (a_refund(metadata={**OURS, "refund_id": "re_nope"}), "refund.created"),
        (intent(metadata=None, amount=None), "payment_intent.succeeded"),
        (a_refund(metadata=None, status="a new word"), "refund.created"),
        ({"id": "dp_1", "object": "dispute", "status": "a new word"}, "charge.dispute.created"),
    ],
)
def test_what_is_not_about_a_payment_of_ours_is_nothing(seen: JSON, kind: object) -> None:
    assert read(body_of(seen, kind)) is None


ODD: tuple[JSON, ...] = (
    {"amount": "1999"},
    {"amount": True},
    {"amount": -1},
    {"amount_received": 19.99},
    {"id": None},
    {"status": None},
    {"object": "charge"},
    {"latest_charge": {"id": "ch_1", "payment_method_details": {"card": {"capture_before": 10**18}}}},
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"evt"',
        b"\xff\xfe",
        b"[" * 100_000,
        body_of(None),
        body_of([]),
        body_of(intent(), event_id=None),
        body_of(intent(), event_id="e" * 300),
        body_of(intent(object="charge", metadata=None)),
        json.dumps({"id": "evt_1", "type": "payment_intent.succeeded", "data": 5}).encode(),
    ],
)
def test_what_is_signed_but_makes_no_sense_is_nothing_and_never_an_exception(body: bytes) -> None:
    assert read(body) is None


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        *((intent(**odd), "payment_intent.succeeded") for odd in ODD),
        (intent(), "refund.created"),
        (a_refund(amount=None), "refund.created"),
        (a_refund(status="a new word"), "refund.created"),
        (
            {"id": "dp_1", "object": "dispute", "payment_intent": "pi_1", "status": "new"},
            "charge.dispute.created",
        ),
        (
            {"id": "dp_1", "object": "dispute", "payment_intent": "pi_1", "status": 5},
            "charge.dispute.created",
        ),
    ],
)
def test_what_may_be_about_a_payment_of_ours_and_cannot_be_understood_is_kept_as_it_came(
    seen: JSON, kind: str
) -> None:
    """A dispute's status that Stripe has added since, for one: nobody sends it again."""
    body = body_of(seen, kind)
    about = seen["id"] or "evt_1"
    assert StripeNotices([NEW]).read(body, signed(body), NOW) == Unfamiliar("evt_1", kind, about, body)


def test_what_makes_no_sense_leaves_a_line_without_the_body(caplog: pytest.LogCaptureFixture) -> None:
    body = body_of(intent(amount="4242 4242 4242 4242"))
    assert isinstance(StripeNotices([NEW]).read(body, signed(body), NOW), Unfamiliar)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "4242" not in caplog.text


def test_a_notice_of_the_other_mode_is_left_aside() -> None:
    body = body_of(intent())
    assert StripeNotices([NEW], livemode=True).read(body, signed(body), NOW) is None
    assert StripeNotices([NEW], livemode=False).read(body, signed(body), NOW)


@pytest.mark.parametrize("secrets", [[], [""], [NEW, ""]])
def test_an_endpoint_without_a_secret_is_refused_at_start(secrets: list[str]) -> None:
    with pytest.raises(ValueError):
        StripeNotices(secrets)


async def test_the_simulators_webhooks_are_read_and_say_what_the_answers_said(
    simulator: StripeProcess, provider: StripeProvider
) -> None:
    """Both ways of seeing Stripe end in the same snapshots."""
    received: list[RecordNotice] = []
    seen: set[str] = set()
    server, url = await _inbox(received, seen)
    simulator.control("webhook", {"url": url, "secrets": [OLD]})
    try:
        captured, released = new_payment(), new_payment()
        paid_intent = await paid(provider, captured, "pm_card_pendingRefund")
        refunded = await provider.perform(refund(captured, paid_intent.intent, new_refund()))
        held = shown(await provider.perform(create(released, capture_method=CaptureMethod.MANUAL)))
        await provider.perform(cancel(released, held.intent))
        expected = {"payment_intent.succeeded", "refund.created", "refund.updated", "payment_intent.canceled"}
        await until(lambda: expected <= {notice.notice_type for notice in received})
    finally:
        simulator.control("webhook", {"url": None})
        await server.cleanup()
    assert "payment_intent.created" in seen, "what says nothing was sent, and answered 200"
    by_type = {notice.notice_type: notice for notice in received}
    assert by_type["payment_intent.succeeded"].snapshot == paid_intent
    assert by_type["refund.created"].snapshot == getattr(refunded, "snapshot", None)
    assert by_type["payment_intent.canceled"].origin.payment_id == released


async def _inbox(received: list[RecordNotice], seen: set[str]) -> tuple[web.AppRunner, str]:
    reader = StripeNotices([OLD], livemode=False)

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        notice = reader.read(body, request.headers["Stripe-Signature"], datetime.now(UTC))
        seen.add(json.loads(body)["type"])
        if isinstance(notice, RecordNotice):
            received.append(notice)
        return web.Response()

    app = web.Application()
    app.router.add_post("/", take)
    runner = web.AppRunner(app)
    await runner.setup()
    ports = Ports()
    port = ports.take()
    ports.close()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner, f"http://127.0.0.1:{port}/"


def dispute(**changed: object) -> dict[str, object]:
    seen: dict[str, object] = {
        "id": "du_1",
        "object": "dispute",
        "amount": 1999,
        "balance_transactions": [],
        "currency": "usd",
        "evidence_details": {"due_by": int(NOW.timestamp()) + 86_400},
        "is_charge_refundable": False,
        "metadata": {"payment_id": "pay_" + "0" * 32, "merchant": "mer_other"},
        "payment_intent": "pi_1",
        "reason": "fraudulent",
        "status": "needs_response",
    }
    return seen | changed


def told(body: bytes) -> Unaddressed | None:
    heard = notices.read(body, signed(body), NOW)
    assert not isinstance(heard, RecordNotice | Unfamiliar)
    return heard


def test_a_dispute_names_its_payment_by_the_intent_alone_whatever_its_metadata_say() -> None:
    heard = told(body_of(dispute(), "charge.dispute.created"))
    assert heard is not None and heard.intent == "pi_1"
    command = heard.to("pay_" + "ab" * 16, "mer_owner", NOW)
    assert command.origin.payment_id == "pay_" + "ab" * 16
    assert command.origin.merchant == "mer_owner"
    assert command.snapshot == DisputeSnapshot(
        "du_1", "pi_1", DisputeStatus.NEEDS_RESPONSE, "usd", 1999, "fraudulent", NOW + timedelta(days=1)
    )


@pytest.mark.parametrize(
    ("kind", "transactions", "money"),
    [
        ("charge.dispute.created", [], (False, False)),
        ("charge.dispute.funds_withdrawn", [], (True, False)),
        ("charge.dispute.updated", [{"amount": -1999}], (True, False)),
        ("charge.dispute.closed", [{"amount": -1999}, {"amount": 1999}], (True, True)),
        ("charge.dispute.funds_reinstated", [], (True, True)),
    ],
)
def test_a_disputes_money_is_told_by_its_transactions_and_by_the_kind_of_the_notice(
    kind: str, transactions: list[object], money: tuple[bool, bool]
) -> None:
    heard = told(body_of(dispute(balance_transactions=transactions), kind))
    assert heard is not None and isinstance(heard.snapshot, DisputeSnapshot)
    assert (heard.snapshot.withdrawn, heard.snapshot.reinstated) == money


def test_a_dispute_of_no_intent_is_left_aside() -> None:
    assert told(body_of(dispute(payment_intent=None), "charge.dispute.created")) is None
