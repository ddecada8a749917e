"""Calls whose answer is lost, late or broken: sent again under their own key, read, and never called a failure."""

import contextlib
import logging
import socket
from datetime import UTC, datetime, timedelta

import pytest

from models.provider import (
    Answered,
    Deferred,
    IntentStatus,
    Outcome,
    PspCall,
    RefundSnapshot,
    Rejected,
    Unknown,
)
from sandbox.ports import Ports
from streams.adapters import stripe_transport
from streams.adapters.stripe_line import line_to
from streams.adapters.stripe_provider import StripeProvider
from streams.budget import pause
from tests.streams.adapters.stripe.stripe_world import (
    KEY,
    Scripted,
    StripeProcess,
    ask_once,
    authorized,
    cancel,
    capture,
    create,
    error,
    http,
    new_payment,
    new_refund,
    paid,
    refund,
    scripted,
    shown,
)

LOST = ["lost_answer", "cut_body", "bad_json", "reset", "error_503", "conflict", "rate_limit", "lock_timeout"]


@pytest.mark.parametrize("kind", LOST)
async def test_what_goes_wrong_once_is_sent_again_under_its_key_and_charges_once(
    provider: StripeProvider, simulator: StripeProcess, kind: str
) -> None:
    payment_id = new_payment()
    simulator.plan(kind, payment=payment_id, count=1)
    seen = shown(await provider.perform(create(payment_id)))
    assert seen.status is IntentStatus.CAPTURED
    assert simulator.charged(payment_id) == 1


@pytest.mark.parametrize("kind", ["lost_answer", "cut_body", "bad_json"])
async def test_a_payment_whose_answers_stay_lost_is_unknown_and_once_heard_was_charged_once(
    provider: StripeProvider, simulator: StripeProcess, kind: str
) -> None:
    payment_id = new_payment()
    call = create(payment_id)
    simulator.plan(kind, endpoint="payment_intents.*")
    assert isinstance(await provider.perform(call), Unknown)
    assert simulator.charged(payment_id) == 1
    simulator.heal()
    assert shown(await provider.perform(call)).status is IntentStatus.CAPTURED
    assert simulator.charged(payment_id) == 1


async def test_a_payment_whose_answers_stay_lost_is_found_by_its_payment_id(
    provider: StripeProvider, simulator: StripeProcess
) -> None:
    payment_id = new_payment()
    simulator.plan("lost_answer", endpoint="payment_intents.create")
    assert shown(await provider.perform(create(payment_id))).status is IntentStatus.CAPTURED
    assert simulator.charged(payment_id) == 1


@pytest.mark.parametrize("kind", ["conflict", "error_503", "reset"])
async def test_what_may_be_executed_at_this_moment_is_unknown(
    provider: StripeProvider, simulator: StripeProcess, kind: str
) -> None:
    payment_id = new_payment()
    simulator.plan(kind, payment=payment_id)
    assert isinstance(await provider.perform(create(payment_id)), Unknown)


async def test_an_answer_that_comes_after_the_slot_leaves_the_call_unknown(
    simulator: StripeProcess, api_key: str
) -> None:
    payment_id = new_payment()
    simulator.plan("delay", payment=payment_id, ms=3000)
    provider = StripeProvider(line_to(api_key, simulator.url), slot_s=0.3)
    outcome = await provider.perform(create(payment_id))
    await provider.close()
    assert isinstance(outcome, Unknown)


@pytest.mark.parametrize("kind", ["rate_limit", "lock_timeout"])
async def test_what_stripe_has_no_time_for_is_deferred_because_nothing_happened(
    provider: StripeProvider, simulator: StripeProcess, kind: str
) -> None:
    payment_id = new_payment()
    simulator.plan(kind, payment=payment_id)
    assert isinstance(await provider.perform(create(payment_id)), Deferred)
    assert simulator.charged(payment_id) == 0


async def test_being_turned_away_after_a_lost_answer_is_unknown_and_not_deferred(
    provider: StripeProvider, simulator: StripeProcess
) -> None:
    payment_id = new_payment()
    simulator.plan("lost_answer", payment=payment_id, count=1)
    simulator.plan("rate_limit", payment=payment_id, skip=1)
    assert isinstance(await provider.perform(create(payment_id)), Unknown)
    assert simulator.charged(payment_id) == 1


async def test_nobody_listening_is_deferred() -> None:
    ports = Ports()
    port = ports.take()
    ports.close()
    outcome = await ask_once(Scripted([], f"http://127.0.0.1:{port}"), create(new_payment()))
    assert isinstance(outcome, Deferred)


async def test_a_name_that_cannot_be_looked_up_is_deferred() -> None:
    outcome = await ask_once(Scripted([], "http://stripe.invalid"), create(new_payment()))
    assert isinstance(outcome, Deferred)


async def test_a_door_that_does_not_open_is_deferred(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe_transport, "CONNECT_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, contextlib.ExitStack() as callers:
        for _ in range(3):  # nobody accepts these, so that the queue is full and the next one waits for ever
            caller = callers.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(server.getsockname())
        host, port = server.getsockname()
        outcome = await ask_once(Scripted([], f"http://{host}:{port}"), create(new_payment()), slot_s=2.0)
    assert isinstance(outcome, Deferred)


@pytest.mark.parametrize("executed", [True, False])
async def test_a_stored_500_of_a_create_is_found_by_its_payment_id_or_stays_unknown(
    provider: StripeProvider, simulator: StripeProcess, executed: bool
) -> None:
    payment_id = new_payment()
    simulator.plan("stored_500", payment=payment_id, executed=executed, count=1)
    outcome = await provider.perform(create(payment_id))
    assert isinstance(outcome, Answered if executed else Unknown)
    assert simulator.charged(payment_id) == int(executed)


@pytest.mark.parametrize(
    ("executed", "status"), [(True, IntentStatus.CAPTURED), (False, IntentStatus.AUTHORIZED)]
)
async def test_a_stored_500_of_a_capture_is_read_past(
    provider: StripeProvider, simulator: StripeProcess, executed: bool, status: IntentStatus
) -> None:
    payment_id = new_payment()
    intent = (await authorized(provider, payment_id)).intent
    simulator.plan("stored_500", endpoint="*.capture", payment=payment_id, executed=executed, count=1)
    assert shown(await provider.perform(capture(payment_id, intent))).status is status


@pytest.mark.parametrize("executed", [True, False])
async def test_a_stored_500_of_a_refund_is_found_among_the_refunds_or_stays_unknown(
    provider: StripeProvider, simulator: StripeProcess, executed: bool
) -> None:
    payment_id, refund_id = new_payment(), new_refund()
    intent = (await paid(provider, payment_id)).intent
    simulator.plan("stored_500", endpoint="refunds.create", executed=executed, count=1)
    outcome = await provider.perform(refund(payment_id, intent, refund_id))
    assert isinstance(outcome, Answered if executed else Unknown)


async def test_a_capture_without_an_answer_is_not_refused_because_it_is_not_seen_yet(
    provider: StripeProvider, simulator: StripeProcess
) -> None:
    payment_id = new_payment()
    intent = (await authorized(provider, payment_id)).intent
    simulator.plan("error_503", endpoint="*.capture", payment=payment_id)
    assert isinstance(await provider.perform(capture(payment_id, intent)), Unknown)


async def test_a_capture_without_an_answer_that_is_seen_done_is_done(
    provider: StripeProvider, simulator: StripeProcess
) -> None:
    payment_id = new_payment()
    intent = (await authorized(provider, payment_id)).intent
    simulator.plan("lost_answer", endpoint="*.capture", payment=payment_id)
    assert shown(await provider.perform(capture(payment_id, intent))).status is IntentStatus.CAPTURED


async def test_capturing_or_cancelling_what_was_captured_tells_that_it_was(provider: StripeProvider) -> None:
    payment_id = new_payment()
    intent = (await authorized(provider, payment_id)).intent
    await provider.perform(capture(payment_id, intent))
    for late in (capture(payment_id, intent, attempt=2), cancel(payment_id, intent)):
        assert shown(await provider.perform(late)).status is IntentStatus.CAPTURED


async def test_a_refund_of_nothing_left_is_ours_or_it_is_rejected(provider: StripeProvider) -> None:
    payment_id, refund_id = new_payment(), new_refund()
    intent = (await paid(provider, payment_id)).intent
    ours = refund(payment_id, intent, refund_id, 1999)
    await provider.perform(ours)
    again = PspCall(
        f"{ours.key[:-1]}2", ours.operation, payment_id, ours.merchant, ours.requested_at, ours.ask
    )
    found = await provider.perform(again)
    assert isinstance(found, Answered) and isinstance(found.snapshot, RefundSnapshot)
    assert found.snapshot.refund_id == refund_id
    other = await provider.perform(refund(payment_id, intent, new_refund()))
    assert isinstance(other, Rejected) and other.code == "charge_already_refunded"


async def test_a_key_that_came_with_other_parameters_is_read_about_and_never_failed(
    provider: StripeProvider, caplog: pytest.LogCaptureFixture
) -> None:
    payment_id = new_payment()
    intent = (await authorized(provider, payment_id)).intent
    await provider.perform(capture(payment_id, intent))
    assert shown(await provider.perform(capture(payment_id, intent, 500))).amount_captured_minor == 1999
    lost = refund(payment_id, intent, new_refund())
    await provider.perform(lost)
    not_ours = refund(payment_id, intent, new_refund(), 600)
    reused = PspCall(lost.key, lost.operation, payment_id, lost.merchant, lost.requested_at, not_ours.ask)
    assert isinstance(await provider.perform(reused), Unknown)
    assert any(record.levelno == logging.CRITICAL for record in caplog.records)


@pytest.mark.parametrize("made_before", [True, False])
async def test_a_key_older_than_22_hours_is_never_posted_but_read_about(
    simulator: StripeProcess, api_key: str, made_before: bool
) -> None:
    payment_id = new_payment()
    call = create(payment_id)
    hours = timedelta(hours=0)
    provider = StripeProvider(line_to(api_key, simulator.url), clock=lambda: datetime.now(UTC) + hours)
    if made_before:
        await provider.perform(call)
    hours = timedelta(hours=22, seconds=1)  # another's clock may be an hour ahead
    simulator.control("requests", method="DELETE")
    outcome = await provider.perform(call)
    await provider.close()
    assert isinstance(outcome, Answered if made_before else Unknown)
    assert "payment_intents.create" not in simulator.control("requests")["endpoints"]
    assert simulator.charged(payment_id) == int(made_before)


async def test_a_key_that_grows_too_old_between_two_sends_is_not_sent_again() -> None:
    now = iter([0, 0, 0, 24, 24, 24])
    async with scripted(http(503, error("api_error"))) as server:
        call = create(new_payment())
        provider = StripeProvider(
            line_to(KEY, server.url), clock=lambda: call.requested_at + timedelta(hours=next(now))
        )
        assert isinstance(await provider.perform(call), Unknown)
        await provider.close()
    assert sum(request.startswith(b"POST") for request in server.received) == 1


async def test_a_key_that_grows_too_old_while_it_waits_for_its_turn_is_not_sent() -> None:
    """The machine may have slept meanwhile, or the process been stopped."""
    now = iter([0, 0, 24])
    async with scripted(http(503, error("api_error"))) as server:
        call = create(new_payment())
        provider = StripeProvider(
            line_to(KEY, server.url), clock=lambda: call.requested_at + timedelta(hours=next(now))
        )
        assert isinstance(await provider.perform(call), Deferred)
        await provider.close()
    assert not server.received


@pytest.mark.parametrize("kind", ["unauthorized", "forbidden"])
async def test_a_refused_api_key_defers_pauses_and_alarms_without_being_shown(
    simulator: StripeProcess,
    kind: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(pause, "REFUSED_PROBE_S", 0.3)
    payment_id = new_payment()
    simulator.plan(kind, payment=payment_id, count=1)
    provider = StripeProvider(line_to(KEY, simulator.url), sends_max=3)
    first, meanwhile = await provider.perform(create(payment_id)), await provider.perform(create(payment_id))
    assert isinstance(first, Deferred) and isinstance(meanwhile, Deferred)
    assert simulator.charged(payment_id) == 0
    outcome: Outcome = meanwhile
    while isinstance(outcome, Deferred):  # bounded by the test's own time-out
        outcome = await provider.perform(create(payment_id))
    await provider.close()
    assert isinstance(outcome, Answered)
    assert any(record.levelno == logging.CRITICAL for record in caplog.records)
    assert "canary" not in caplog.text and "canary" not in str((first, meanwhile))
