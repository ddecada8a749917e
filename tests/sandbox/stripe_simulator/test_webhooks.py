"""Signed webhooks to a real endpoint: signatures, retries, repeats, order, and the events list for what was missed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import stripe

if TYPE_CHECKING:
    from tests.sandbox.stripe_simulator.conftest import Inbox, Raw, Until

SECRET = "whsec_one"
QUICK = {"retry_first_s": 0.05, "retry_max_s": 0.1}


async def listen(raw: Raw, inbox: Inbox, **settings: Any) -> None:
    await raw.sim("webhook", {"url": inbox.url, "secrets": [SECRET], **QUICK, **settings})


def types(inbox: Inbox) -> list[str]:
    return [json.loads(body)["type"] for body, _ in inbox.received]


async def test_a_payment_tells_its_story_signed(raw: Raw, inbox: Inbox, until: Until) -> None:
    await listen(raw, inbox)
    _, intent, headers = await raw.pay("k1")
    await until(lambda: len(inbox.received) == 3)
    assert sorted(types(inbox)) == ["charge.succeeded", "payment_intent.created", "payment_intent.succeeded"]
    for body, signature in inbox.received:
        assert stripe.WebhookSignature.verify_header(body.decode(), signature, SECRET, 300)
        event = stripe.Webhook.construct_event(body, signature, SECRET)
        assert event.request is not None and event.request.idempotency_key == "k1"
        assert event.request.id == headers["request-id"]
    last = next(json.loads(body) for body, _ in inbox.received if b'"payment_intent.succeeded"' in body)
    assert (last["data"]["object"]["id"], last["data"]["object"]["status"]) == (intent["id"], "succeeded")
    first = next(json.loads(body) for body, _ in inbox.received if b'"payment_intent.created"' in body)
    assert first["data"]["object"]["status"] == "requires_payment_method"


async def test_a_rolled_secret_signs_beside_the_old_one(raw: Raw, inbox: Inbox, until: Until) -> None:
    await listen(raw, inbox, secrets=["whsec_new", "whsec_old"], enabled_events=["payment_intent.succeeded"])
    await raw.pay()
    await until(lambda: inbox.received)
    ((body, signature),) = inbox.received
    assert signature.count("v1=") == 2
    for secret in ("whsec_new", "whsec_old"):
        assert stripe.WebhookSignature.verify_header(body.decode(), signature, secret, 300)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(body.decode(), signature, "whsec_other", 300)


async def test_a_refused_notice_comes_again_until_it_is_taken(raw: Raw, inbox: Inbox, until: Until) -> None:
    inbox.statuses = [503, 400, 302]
    await listen(raw, inbox, enabled_events=["payment_intent.succeeded"])
    await raw.pay()
    await until(lambda: len(inbox.received) == 4)
    assert len({json.loads(body)["id"] for body, _ in inbox.received}) == 1

    async def through() -> bool:
        return not (await raw.sim("health"))["webhooks_pending"]

    await until(through)


async def test_an_endpoint_that_is_away_gets_everything_when_it_is_back(
    raw: Raw, inbox: Inbox, until: Until
) -> None:
    await listen(raw, inbox, url="http://127.0.0.1:9/nobody")
    await raw.pay()
    missed = (await raw.get("/v1/events?delivery_success=false"))[1]["data"]
    assert len(missed) == 3
    await listen(raw, inbox)
    await until(lambda: len(inbox.received) == 3)

    async def none_missed() -> bool:
        return not (await raw.get("/v1/events?delivery_success=false"))[1]["data"]

    await until(none_missed)


async def test_after_three_days_a_notice_is_given_up_and_stays_in_the_list(
    raw: Raw, inbox: Inbox, until: Until
) -> None:
    await listen(raw, inbox, url="http://127.0.0.1:9/nobody", enabled_events=["payment_intent.succeeded"])
    await raw.pay()
    await raw.sim("clock", {"advance_s": 3 * 86_400 + 60})

    async def given_up() -> bool:
        return not (await raw.sim("health"))["webhooks_pending"]

    await until(given_up)
    (missed,) = (await raw.get("/v1/events?delivery_success=false"))[1]["data"]
    await listen(raw, inbox)
    await raw.sim(f"events/{missed['id']}/resend", {"copies": 2})
    await until(lambda: len(inbox.received) == 2)
    assert types(inbox) == ["payment_intent.succeeded"] * 2


async def test_notices_can_be_repeated_dropped_and_held_back(raw: Raw, inbox: Inbox, until: Until) -> None:
    await listen(raw, inbox)
    plan = [
        {"kind": "webhook_duplicate", "n": 3, "endpoint": "payment_intent.succeeded"},
        {"kind": "webhook_drop", "endpoint": "payment_intent.created"},
        {"kind": "webhook_delay", "seconds": 3600, "endpoint": "charge.*"},
    ]
    await raw.sim("faults", {"rules": plan})
    await raw.pay()
    await until(lambda: len(inbox.received) == 3)
    assert types(inbox) == ["payment_intent.succeeded"] * 3
    await raw.sim("clock", {"advance_s": 3601})
    await until(lambda: len(inbox.received) == 4)
    assert types(inbox)[-1] == "charge.succeeded"
    (dropped,) = (await raw.get("/v1/events?delivery_success=false"))[1]["data"]
    assert dropped["type"] == "payment_intent.created"


async def test_notices_can_come_out_of_order(raw: Raw, inbox: Inbox, until: Until) -> None:
    await listen(raw, inbox, enabled_events=["payment_intent.succeeded"])
    await raw.sim("faults", {"rules": [{"kind": "webhook_shuffle", "seconds": 0.5}], "seed": 3})
    made = [(await raw.pay())[1]["id"] for _ in range(12)]
    await until(lambda: len(inbox.received) == 12)
    came = [json.loads(body)["data"]["object"]["id"] for body, _ in inbox.received]
    assert sorted(came) == sorted(made) and came != made


async def test_one_change_can_have_two_event_objects(raw: Raw, inbox: Inbox, until: Until) -> None:
    await listen(raw, inbox, enabled_events=["payment_intent.succeeded"])
    await raw.sim("faults", {"kind": "webhook_twin", "endpoint": "payment_intent.succeeded"})
    await raw.pay()
    await until(lambda: len(inbox.received) == 2)
    events = [json.loads(body) for body, _ in inbox.received]
    assert events[0]["id"] != events[1]["id"] and events[0]["data"] == events[1]["data"]


async def test_a_notice_can_overtake_the_answer(raw: Raw, inbox: Inbox) -> None:
    await listen(raw, inbox, enabled_events=["payment_intent.succeeded"])
    await raw.sim("faults", {"kind": "delay", "ms": 400, "count": 1})
    await raw.pay()
    assert types(inbox) == ["payment_intent.succeeded"]


async def test_old_and_future_signatures_can_be_made(raw: Raw, inbox: Inbox, until: Until) -> None:
    await listen(raw, inbox, timestamp_skew_s=-3600, enabled_events=["payment_intent.succeeded"])
    await raw.pay()
    await until(lambda: inbox.received)
    body, signature = inbox.received[0]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(body.decode(), signature, SECRET, 300)


async def test_events_are_listed_by_type_and_retrieved(sdk: stripe.StripeClient, raw: Raw) -> None:
    await raw.pay()
    (event,) = (await sdk.v1.events.list_async({"type": "payment_intent.succeeded"})).data
    assert (await sdk.v1.events.retrieve_async(event.id)).data.object["status"] == "succeeded"
    both = await sdk.v1.events.list_async(
        {"types": ["payment_intent.succeeded", "charge.succeeded"], "limit": 1}
    )
    assert both.has_more


async def test_what_is_done_for_a_connected_account_is_told_in_its_name(
    raw: Raw, inbox: Inbox, until: Until
) -> None:
    await listen(raw, inbox, enabled_events=["payment_intent.succeeded"])
    form = "amount=1999&currency=usd&payment_method=pm_card_visa&confirm=true"
    form += "&automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never"
    status, _, _ = await raw.post("/v1/payment_intents", form, "k1", **{"Stripe-Account": "acct_connected"})
    assert status == 200
    await raw.pay("k2")
    await until(lambda: len(inbox.received) == 2)
    assert [json.loads(body).get("account") for body, _ in inbox.received] == ["acct_connected", None]


async def test_an_account_with_an_endpoint_of_its_own_signs_with_its_own_secret(
    raw: Raw, inbox: Inbox, until: Until
) -> None:
    own = {"acct_own": ["whsec_own"]}
    await listen(raw, inbox, secrets_of=own, enabled_events=["payment_intent.succeeded"])
    form = "amount=1999&currency=usd&payment_method=pm_card_visa&confirm=true"
    form += "&automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never"
    await raw.post("/v1/payment_intents", form, "k1", **{"Stripe-Account": "acct_own"})
    await raw.pay("k2")
    await until(lambda: len(inbox.received) == 2)
    (theirs, signed), (ours, signature) = inbox.received
    assert stripe.WebhookSignature.verify_header(theirs.decode(), signed, "whsec_own", 300)
    assert stripe.WebhookSignature.verify_header(ours.decode(), signature, SECRET, 300)
