"""Answers that Stripe gives rarely or never: each is read as the table says, and none is believed that is not about the call."""

import logging

import pytest

from models.provider import Answered, Deferred, Outcome, Rejected, Unknown
from streams.adapters.stripe_line import line_to
from streams.adapters.stripe_objects import safe_text
from streams.adapters.stripe_provider import StripeProvider
from tests.streams.adapters.stripe.stripe_world import (
    JSON,
    KEY,
    StripeProcess,
    ask_once,
    create,
    error,
    http,
    new_payment,
    scripted,
)


@pytest.mark.parametrize(
    ("answer", "outcome", "sends"),
    [
        (http(500, error("api_error"), Stripe_Should_Retry="false"), Unknown, 1),
        (
            http(409, error("idempotency_error", "idempotency_key_in_use"), Stripe_Should_Retry="false"),
            Unknown,
            1,
        ),
        (http(429, error("invalid_request_error"), Stripe_Should_Retry="false"), Deferred, 1),
        (http(400, error("invalid_request_error", "lock_timeout")), Deferred, 3),
        (http(400, error("invalid_request_error"), Stripe_Should_Retry="true"), Deferred, 3),
        (http(400, error("invalid_request_error", "parameter_missing")), Rejected, 1),
        (http(500, error("api_error"), Idempotent_Replayed="true"), Unknown, 1),
        (http(502, b"<html>bad gateway</html>"), Unknown, 3),
        (http(404, b"<html>not found</html>"), Unknown, 3),
        (http(429, b"slow down"), Unknown, 3),
        (http(307, b"", Location="http://127.0.0.1:1/"), Unknown, 3),
        (http(200, b'{"id": "pi_1"'), Unknown, 3),
        (http(200, b"[]"), Unknown, 3),
        (http(200, b"\xff\xfe"), Unknown, 3),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{", Unknown, 3),
        (b"\x00\x01 nonsense\r\n\r\n", Unknown, 3),
        (b"", Unknown, 3),
    ],
)
async def test_each_odd_answer_is_sent_again_or_not_and_ends_as_the_table_says(
    answer: bytes, outcome: type[Outcome], sends: int
) -> None:
    async with scripted(answer) as server:
        assert isinstance(await ask_once(server, create(new_payment())), outcome)
    posts = [request for request in server.received if request.startswith(b"POST")]
    assert len(posts) == sends
    assert len(set(posts)) == 1, "every send is the same, byte for byte"


@pytest.mark.parametrize(
    ("code", "reason", "refusals"),
    [
        ("rate_limit", "endpoint-rate", 3),
        ("rate_limit", "global-concurrency", 3),
        ("rate_limit", "resource-specific", 0),
        ("lock_timeout", "", 0),
    ],
)
async def test_only_what_speaks_of_the_whole_endpoint_or_account_makes_them_go_slower(
    code: str, reason: str, refusals: int
) -> None:
    answer = http(429, error("invalid_request_error", code), Stripe_Rate_Limited_Reason=reason)
    async with scripted(answer) as server:
        line = line_to(KEY, server.url)
        provider = StripeProvider(line, sends_max=3)
        assert isinstance(await provider.perform(create(new_payment())), Deferred)
        await provider.close()
    assert line.budget.refusals == refusals


def _intent(payment_id: str, **changes: object) -> JSON:
    return {
        "id": "pi_1", "object": "payment_intent", "status": "succeeded", "livemode": False, "amount": 1999,
        "amount_received": 1999, "amount_capturable": 0, "currency": "usd",
        "metadata": {"payment_id": payment_id}, **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    "lie",
    [
        {"amount": 1998},
        {"currency": "eur"},
        {"livemode": True},
        {"object": "charge"},
        {"metadata": {"payment_id": "pay_of_somebody_else"}},
        {"metadata": None},
        {"amount_received": "1999"},
        {"status": 7},
    ],
)
async def test_an_answer_that_is_not_about_the_call_is_unknown_and_alarmed(
    lie: JSON, caplog: pytest.LogCaptureFixture
) -> None:
    payment_id = new_payment()
    async with scripted(http(200, _intent(payment_id))) as server:
        assert isinstance(await ask_once(server, create(payment_id)), Answered), "the answer without the lie"
    async with scripted(http(200, _intent(payment_id, **lie))) as server:
        assert isinstance(await ask_once(server, create(payment_id)), Unknown)
    assert any(record.levelno == logging.CRITICAL for record in caplog.records)


async def test_a_message_that_holds_a_card_number_or_a_key_is_not_passed_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    for secret in ("4242 4242 4242 4242", KEY, "pi_3x_secret_abc"):
        answer = http(400, error("invalid_request_error", "resource_missing", f"No such thing: {secret}"))
        async with scripted(answer) as server:
            outcome = await ask_once(server, create(new_payment()))
        assert isinstance(outcome, Rejected)
        assert secret not in outcome.message and secret not in caplog.text


async def test_a_refusal_without_a_sentence_gets_one() -> None:
    async with scripted(http(400, error("invalid_request_error", "parameter_missing", ""))) as server:
        outcome = await ask_once(server, create(new_payment()))
    assert outcome == Rejected("parameter_missing", "Stripe gave no reason.")


async def test_nothing_of_a_call_that_goes_well_is_logged_but_that_it_was_made(
    simulator: StripeProcess, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    provider = StripeProvider(line_to(KEY, simulator.url))
    assert isinstance(await provider.perform(create(new_payment(), description="canary of a body")), Answered)
    await provider.close()
    assert "canary" not in caplog.text and "_secret_" not in caplog.text


def test_half_a_character_in_stripes_words_is_replaced_and_nothing_else() -> None:
    assert safe_text("caf\u00e9 \ud83d") == "caf\u00e9 ?"
