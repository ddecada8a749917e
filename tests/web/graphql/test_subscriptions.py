"""Subscriptions over graphql-transport-ws: the story and what follows, who may hear it, and how a subscription ends."""

import json
from typing import Any

import pytest

from tests.web.fakes import PAYMENT as BODY
from tests.web.fakes import Door
from tests.web.graphql.client import STORY, ask, make, talk
from tests.web.service import KEY, OTHER_KEY, PRINCIPALS
from tests.web.test_waiting import until
from web import watching
from web.graphql import conversation


async def test_the_story_so_far_is_followed_by_what_happens(door: Door) -> None:
    payment = await make(door, captureMethod="manual")
    async with talk(door) as client:
        await client.begin()
        await client.subscribe("1", STORY, {"id": payment})
        told = [each["data"]["paymentEvents"] for each in await client.take("1", 2)]
        assert [event["type"] for event in told] == ["payment.requested.v1", "payment.authorized.v1"]
        assert told[-1]["payment"] == {"id": payment, "status": "authorized"}
        capture = 'mutation { capturePayment(input: {paymentId: "%s", idempotencyKey: "c"}) { settled } }'
        await ask(door, capture % payment)
        told = [each["data"]["paymentEvents"] for each in await client.take("1", 2)]
        assert [event["type"] for event in told] == ["payment.capture_requested.v1", "payment.captured.v1"]
        await client.say(type="complete", id="1")
        await until(lambda: not door.service.listeners)


async def test_one_who_comes_back_goes_on_from_where_they_were(door: Door) -> None:
    payment = await make(door)
    async with talk(door) as client:
        await client.begin()
        await client.subscribe("1", STORY, {"id": payment, "after": 1})
        [told] = await client.take("1", 1)
        assert told["data"]["paymentEvents"]["sequence"] == 2


async def test_all_of_ones_own_payments_can_be_followed_and_no_others(door: Door) -> None:
    async with talk(door) as client:
        await client.begin()
        await client.subscribe("all", STORY)
        await until(lambda: door.service.listeners)
        await door.post("/v1/payments", BODY, key=OTHER_KEY)
        payment = await make(door)
        told = await client.take("all", 2)
        assert {each["data"]["paymentEvents"]["paymentId"] for each in told} == {payment}


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"id": "pay_" + "0" * 32}, "not_found"), ({"id": "nonsense"}, "not_found"), ({"id": "theirs"}, "not_found"),
        ({"id": "mine", "after": -1}, "validation_failed"), ({"after": 1}, "validation_failed"),
        ({"id": [1]}, "validation_failed"), ({"id": "mine", "after": 2**31}, "validation_failed"),
    ],
)  # fmt: skip
async def test_what_cannot_be_followed_ends_in_an_error(
    door: Door, variables: dict[str, Any], code: str
) -> None:
    payments = {"mine": await make(door)}
    theirs = await door.post("/v1/payments", BODY, key=OTHER_KEY)
    payments["theirs"] = theirs.body["id"]
    if isinstance(variables.get("id"), str):
        variables = variables | {"id": payments.get(variables["id"], variables["id"])}
    async with talk(door) as client:
        await client.begin()
        await client.subscribe("1", STORY, variables)
        told = await client.hear()
        assert (told["type"], told["id"]) == ("error", "1")
        assert told["payload"][0]["extensions"]["code"] == code
        assert told["payload"][0]["extensions"]["request_id"].startswith("req_")
        await client.subscribe("1", STORY, {"id": payments["mine"]})  # its id is free again
        await client.take("1", 2)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "malformed_request"), ("", "malformed_request"), ("{ payments { edges { cursor } } }", "malformed_request"),
        ("subscription { nope }", "validation_failed"), (5, "validation_failed"), (None, "malformed_request"),
        ("subscription { a: paymentEvents { id } b: paymentEvents { id } }", "validation_failed"),
        ('mutation { cancelPayment(input: {paymentId: "x"}) { settled } }', "malformed_request"),
    ],
)  # fmt: skip
async def test_what_is_no_subscription_is_refused(door: Door, query: Any, code: str) -> None:
    async with talk(door) as client:
        await client.begin()
        await client.subscribe("1", query)
        told = await client.hear()
        assert (told["type"], told["payload"][0]["extensions"]["code"]) == ("error", code)
    assert door.service.appended == []


async def test_a_revoked_key_ends_what_it_follows(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LOOK_AGAIN_S", 0.05)
    payment = await make(door)
    async with talk(door) as client:
        await client.begin()
        await client.subscribe("1", STORY, {"id": payment})
        await client.take("1", 2)
        monkeypatch.delitem(PRINCIPALS, KEY)
        told = await client.hear()
        assert (told["type"], told["payload"][0]["extensions"]["code"]) == ("error", "unauthenticated")


async def test_a_bug_of_ours_is_told_without_its_insides(door: Door) -> None:
    payment = await make(door)
    async with talk(door) as client:
        await client.begin()
        door.service.breaks = True
        await client.subscribe("1", STORY, {"id": payment})
        told = await client.hear()
        assert told["payload"][0]["extensions"]["code"] == "internal_error"
        assert "bug" not in json.dumps(told)
    assert door.count("millrace_http_problems_total", route="/graphql", code="internal_error") == 1


async def test_one_id_is_one_subscription(door: Door) -> None:
    payment = await make(door)
    async with talk(door) as client:
        await client.begin()
        await client.subscribe("1", STORY, {"id": payment})
        await client.take("1", 2)
        await client.subscribe("1", STORY, {"id": payment})
        assert await client.closed_with() == 4409


async def test_one_conversation_holds_so_many_subscriptions(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "SUBSCRIPTIONS_MAX", 2)
    async with talk(door) as client:
        await client.begin()
        for id in ("1", "2", "3"):
            await client.subscribe(id, STORY)
        told = await client.hear()
        assert (told["id"], told["payload"][0]["extensions"]["code"]) == ("3", "rate_limited")
        await client.say(type="complete", id="1")
        await client.subscribe("4", STORY)
        await until(lambda: len(door.service.listeners) == 2)


async def test_who_hangs_up_leaves_nothing_behind(door: Door) -> None:
    payment = await make(door)
    async with talk(door) as client:
        await client.begin()
        for id in ("1", "2"):
            await client.subscribe(id, STORY, {"id": payment})
        await until(lambda: len(door.service.listeners) == 2)
        client.ws._response.close()  # no farewell
    await until(lambda: not door.service.listeners)
    assert door.count("millrace_graphql_subscriptions") == 0
