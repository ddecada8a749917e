"""Looks at Stripe: a read moves nothing, and what nobody answered for is looked for everywhere before a person must."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.provider import (
    Answered,
    CreateIntent,
    Deferred,
    IntentStatus,
    Operation,
    PspCall,
    ReadIntent,
    Rejected,
    Unknown,
)
from models.recheck import KEY_AGE_MAX_S
from streams.adapters.stripe_line import line_to
from streams.adapters.stripe_provider import StripeProvider
from streams.adapters.stripe_requests import request_of
from tests.streams.adapters.stripe.stripe_world import (
    KEY,
    MERCHANT,
    ask_once,
    authorized,
    create,
    error,
    http,
    new_payment,
    paid,
    scripted,
    shown,
)

LONG_AGO = timedelta(seconds=KEY_AGE_MAX_S + 60)
EMPTY = {"object": "list", "data": [], "has_more": False}


def read(payment_id: str, intent: str, at: datetime | None = None) -> PspCall:
    requested_at = at or datetime.now(UTC)
    key = f"{payment_id}:read:1"
    return PspCall(key, Operation.READ, payment_id, MERCHANT, requested_at, ReadIntent(intent))


async def test_a_look_shows_how_it_stands_however_old_it_is(provider: StripeProvider) -> None:
    payment_id = new_payment()
    intent = (await authorized(provider, payment_id)).intent
    seen = shown(await provider.perform(read(payment_id, intent, datetime.now(UTC) - LONG_AGO)))
    assert (seen.status, seen.amount_capturable_minor) == (IntentStatus.AUTHORIZED, 1999)
    assert seen.authorized_until is not None


async def test_a_look_at_what_is_not_there_or_is_another_payments_is_rejected(
    provider: StripeProvider,
) -> None:
    assert isinstance(await provider.perform(read(new_payment(), "pi_nothing")), Rejected)
    intent = (await paid(provider, new_payment())).intent
    assert isinstance(await provider.perform(read(new_payment(), intent)), Rejected)


@pytest.mark.parametrize("status", [429, 500, 401, 403])
async def test_a_look_that_failed_is_put_off(status: int) -> None:
    async with scripted(http(status, error("api_error"))) as server:
        assert isinstance(await ask_once(server, read(new_payment(), "pi_1")), Deferred)
        assert server.received[0].startswith(b"GET /v1/payment_intents/pi_1?")


async def test_a_payment_that_the_search_does_not_show_is_found_in_the_list_by_its_metadata(
    provider: StripeProvider,
) -> None:
    payment_id, others = new_payment(), [new_payment() for _ in range(3)]
    for each in (others[0], payment_id, *others[1:]):
        await paid(provider, each)
    found = {"object": "search_result", "data": [], "has_more": False}
    listed = await intents(provider)
    intent = next(each for each in listed if each["metadata"]["payment_id"] == payment_id)
    pages = [
        http(200, found),
        http(200, {**EMPTY, "data": [{"id": "pi_other", "metadata": {}}], "has_more": True}),
        http(200, {**EMPTY, "data": [intent]}),
        http(200, intent),
    ]
    async with scripted(*pages) as server:
        at = datetime.now(UTC) - LONG_AGO
        seen = shown(await ask_once(server, create(payment_id, at=at)))
        assert seen.status is IntentStatus.CAPTURED
    asked = [request.split(b" ")[1] for request in server.received]
    assert [request.startswith(b"POST") for request in server.received] == [False] * 4
    assert b"created[gte]=" in asked[1].replace(b"%5B", b"[").replace(b"%5D", b"]")
    assert b"starting_after=pi_other" in asked[2]


async def intents(provider: StripeProvider) -> list[dict[str, Any]]:
    answer = await provider._line.transport.get("/v1/payment_intents", {"limit": 100}, 5.0)
    body = getattr(answer, "body", None)
    assert body is not None
    return list(body["data"])


async def test_what_is_nowhere_to_be_found_is_unknown_and_what_could_not_be_looked_for_is_put_off() -> None:
    old = datetime.now(UTC) - LONG_AGO
    async with scripted(http(200, EMPTY)) as server:
        assert isinstance(await ask_once(server, create(new_payment(), at=old)), Unknown)
        assert len(server.received) == 2  # the search, and the list
    silent, over_the_rate = http(500, error("api_error")), http(429, error("x", "rate_limit"))
    for answers in ([silent], [silent, http(200, EMPTY)], [http(200, EMPTY), over_the_rate]):
        async with scripted(*answers) as server:
            assert isinstance(await ask_once(server, create(new_payment(), at=old)), Deferred)


NOT_OFFERED = [
    http(400, error("invalid_request_error", message="Search is not supported in your region")),
    http(403, error("invalid_request_error", message="The provided key does not have access")),
    http(404, error("invalid_request_error", message="Unrecognized request URL")),
]


@pytest.mark.parametrize("refused", NOT_OFFERED)
async def test_where_the_search_is_not_to_be_had_the_list_decides(refused: bytes) -> None:
    old = datetime.now(UTC) - LONG_AGO
    async with scripted(refused, http(200, EMPTY)) as server:
        assert isinstance(await ask_once(server, create(new_payment(), at=old)), Unknown), "a person's"
        assert len(server.received) == 2
    async with scripted(refused, http(500, error("api_error"))) as server:
        assert isinstance(await ask_once(server, create(new_payment(), at=old)), Deferred)


@pytest.mark.parametrize("refused", NOT_OFFERED)
async def test_the_list_decides_also_while_the_search_is_not_asked_since_the_key_may_not(
    refused: bytes,
) -> None:
    """A 403 pauses its endpoint: the second call is turned away there, by ourselves."""
    old = datetime.now(UTC) - LONG_AGO
    async with scripted(refused, http(200, EMPTY)) as server:
        provider = StripeProvider(line_to(KEY, server.url))
        for _ in range(2):
            assert isinstance(await provider.perform(create(new_payment(), at=old)), Unknown)
        await provider.close()


async def test_while_the_list_is_not_asked_since_the_key_may_not_nothing_is_decided() -> None:
    old = datetime.now(UTC) - LONG_AGO
    async with scripted(http(200, EMPTY), NOT_OFFERED[1], http(200, EMPTY)) as server:
        provider = StripeProvider(line_to(KEY, server.url))
        for _ in range(2):
            assert isinstance(await provider.perform(create(new_payment(), at=old)), Deferred)
        await provider.close()


@pytest.mark.parametrize("refused", [*NOT_OFFERED, http(500, error("api_error"))])
async def test_what_the_list_shows_is_found_whatever_becomes_of_the_search(refused: bytes) -> None:
    payment_id = new_payment()
    intent = captured_intent(payment_id)
    async with scripted(refused, http(200, {**EMPTY, "data": [intent]}), http(200, intent)) as server:
        at = datetime.now(UTC) - LONG_AGO
        assert shown(await ask_once(server, create(payment_id, at=at))).status is IntentStatus.CAPTURED


def captured_intent(payment_id: str) -> dict[str, Any]:
    """As `create` asks for it, as far as a look reads it."""
    return {
        "id": "pi_1",
        "object": "payment_intent",
        "livemode": False,
        "status": "succeeded",
        "amount": 1999,
        "currency": "usd",
        "amount_capturable": 0,
        "amount_received": 1999,
        "latest_charge": "ch_1",
        "metadata": {"payment_id": payment_id, "merchant": MERCHANT},
    }


async def test_the_list_of_a_customers_payment_is_the_customers() -> None:
    old = datetime.now(UTC) - LONG_AGO
    async with scripted(http(200, EMPTY)) as server:
        await ask_once(server, create(new_payment(), at=old, customer="cus_1"))
        assert b"customer=cus_1" in server.received[1]


def test_what_a_merchant_takes_is_asked_of_stripe_instead_of_all_that_the_account_takes() -> None:
    call = create(new_payment())
    assert isinstance(call.ask, CreateIntent)
    only = CreateIntent(call.ask.terms, ("card", "sepa_debit"))
    parameters = request_of(
        PspCall(call.key, call.operation, call.payment_id, MERCHANT, call.requested_at, only), False
    )
    assert parameters.parameters["payment_method_types"] == ["card", "sepa_debit"]
    assert "automatic_payment_methods" not in parameters.parameters


async def test_an_answered_look_is_an_answer(provider: StripeProvider) -> None:
    payment_id = new_payment()
    seen = await paid(provider, payment_id)
    assert await provider.perform(read(payment_id, seen.intent)) == Answered(seen)
