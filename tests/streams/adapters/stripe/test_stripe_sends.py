"""An outcome tells every request that was made for it, in order: what was asked, how it ended, and Stripe's id for it."""

import asyncio

from models.provider import SENDS_TOLD_MAX, Answered, Deferred
from streams.adapters.stripe_provider import StripeProvider
from streams.adapters.stripe_sends import CUT_SHORT, noted, noting
from streams.adapters.stripe_transport import Silence
from tests.streams.adapters.stripe.stripe_world import (
    StripeProcess,
    ask_once,
    create,
    error,
    http,
    new_payment,
    scripted,
)


async def test_each_send_of_the_slot_and_the_look_behind_it_are_told(
    provider: StripeProvider, simulator: StripeProcess
) -> None:
    simulator.plan("error_503", endpoint="payment_intents.create", count=1)
    simulator.plan("lost_answer", endpoint="payment_intents.create")
    outcome = await provider.perform(create(new_payment()))
    assert isinstance(outcome, Answered)
    asked = [send.asked for send in outcome.sends]
    assert asked[:4] == ["POST /v1/payment_intents"] * 3 + ["GET /v1/payment_intents/search"]
    assert asked[4:] == [f"GET /v1/payment_intents/{outcome.snapshot.intent}"]  # type: ignore[union-attr]
    first, second, *_, last = outcome.sends
    assert first.ended == "HTTP 503"
    assert second.ended.startswith("connection lost")
    assert second.request is None, "no answer, and so no id"
    assert (last.ended, (last.request or "")[:4]) == ("HTTP 200", "req_")


async def test_two_calls_at_a_time_tell_their_own_requests(provider: StripeProvider) -> None:

    outcomes = await asyncio.gather(*(provider.perform(create(new_payment())) for _ in range(5)))
    requests = [send.request for outcome in outcomes for send in outcome.sends]
    assert len(set(requests)) == len(requests) == 5


async def test_an_id_that_is_none_of_stripes_is_not_told() -> None:
    refusal = error("invalid_request_error")
    async with scripted(http(400, refusal, Request_Id="x" * 65)) as server:
        (send,) = (await ask_once(server, create(new_payment()))).sends
    assert (send.ended, send.request) == ("HTTP 400", None)


async def test_a_call_that_was_never_sent_tells_that_too() -> None:
    async with scripted(b"") as server:
        url = server.url
    server.url = url.replace("127.0.0.1", "127.0.0.2")
    outcome = await ask_once(server, create(new_payment()), sends_max=1)
    assert isinstance(outcome, Deferred)
    assert [send.ended[:13] for send in outcome.sends] == ["no connection"]


async def test_of_many_requests_the_first_ones_and_the_last_are_told() -> None:
    async def silence() -> Silence:
        return Silence(True, "nothing")

    with noting() as sends:
        for number in range(SENDS_TOLD_MAX + 5):
            await noted(f"GET /{number}", silence())
    assert len(sends) == SENDS_TOLD_MAX
    assert (sends[0].asked, sends[-1].asked) == ("GET /0", f"GET /{SENDS_TOLD_MAX + 4}")
    assert await noted("GET /outside", silence()), "nobody gathers: nothing is kept"
    assert len(sends) == SENDS_TOLD_MAX


async def test_a_request_that_was_cut_short_is_told_as_that() -> None:

    with noting() as sends:
        try:
            async with asyncio.timeout(0.01):
                await noted("GET /slow", asyncio.sleep(5, Silence(True, "")))
        except TimeoutError:
            pass
    assert [send.ended for send in sends] == [CUT_SHORT]
