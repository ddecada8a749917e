"""Webhook endpoints over REST: what may be asked, what is shown and to whom, and that nothing is done twice."""

import pytest

from models.webhook_endpoints import ENDPOINTS_MAX
from tests.web.fakes import Door
from tests.web.service import ALICE, OTHER_KEY, READ_ONLY_KEY
from tests.web.tenants import sent

URL = "https://shop.example/hook"
ENDPOINTS = "/v1/webhook_endpoints"
PAYMENT = "pay_" + "1" * 32


async def made(door: Door, key: str = "endpoint") -> str:
    told = await door.post(ENDPOINTS, {"url": URL}, key)
    assert told.status == 201, told.body
    return str(told.body["id"])


async def test_an_endpoint_is_made_read_changed_and_deleted(door: Door) -> None:
    told = await door.post(ENDPOINTS, {"url": URL, "event_types": ["payment.*"], "description": "The shop"})
    assert told.status == 201 and told.headers["Location"] == f"{ENDPOINTS}/{told.body['id']}"
    assert told.body["secret"].startswith("whsec_")
    path = told.headers["Location"]
    read = await door.get(path)
    assert read.body == {name: value for name, value in told.body.items() if name != "secret"}
    assert (read.body["status"], read.body["event_types"]) == ("enabled", ["payment.*"])
    assert (await door.get(path, If_None_Match=read.headers["ETag"])).status == 304
    changed = await door.ask("PATCH", path, {"enabled": False, "ordered": True})
    assert changed.body["status"] == "disabled" and changed.body["ordered"] is True
    assert changed.body["disabled_reason"] == "disabled by the merchant"
    nothing = await door.ask("PATCH", path, {"ordered": None})
    assert nothing.body == changed.body
    enabled = await door.post(f"{path}/enable")
    assert (enabled.status, enabled.body["status"], enabled.body["ordered"]) == (200, "enabled", True)
    gone = await door.ask("DELETE", path)
    assert gone.body == {"id": told.body["id"], "object": "webhook_endpoint", "deleted": True}
    assert (await door.ask("DELETE", path)).status == (await door.get(path)).status == 404
    done = [action for _, action, _ in door.service.webhooks.noted]
    assert done == [f"webhook_endpoint.{each}" for each in ("created", "changed", "enabled", "deleted")], (
        "each act is one line, and what changes nothing is none"
    )
    assert {actor for actor, _, _ in door.service.webhooks.noted} == {"mr_test_alice"}


async def test_a_request_that_comes_again_is_not_done_again(door: Door) -> None:
    first, again = [await door.post(ENDPOINTS, {"url": URL}, "hook") for _ in range(2)]
    assert again.body == first.body and again.headers["Idempotent-Replayed"] == "true"
    other = await door.post(ENDPOINTS, {"url": f"{URL}/2"}, "hook")
    assert (other.status, other.body["code"]) == (422, "idempotency_key_reused")
    path = first.headers["Location"]
    rolled, again = [await door.post(f"{path}/rotate_secret", {"overlap_s": 60}, "roll") for _ in range(2)]
    assert rolled.body["secret"] not in (None, first.body["secret"])
    assert again.body == rolled.body and again.headers["Idempotent-Replayed"] == "true"
    late = await door.post(ENDPOINTS, {"url": URL}, "hook")
    assert (late.status, late.body["secret"]) == (201, None)
    unnamed = [(await door.post(ENDPOINTS, {"url": URL}, None)).body["id"] for _ in range(2)]
    assert len({*unnamed, first.body["id"]}) == 3


async def test_secrets_are_not_shown_where_they_were_not_made(door: Door) -> None:
    secret = (await door.post(ENDPOINTS, {"url": URL})).body["secret"]
    (listed,) = (await door.get(ENDPOINTS)).body["data"]
    told = [
        await door.get(ENDPOINTS),
        await door.get(f"{ENDPOINTS}/{listed['id']}"),
        await door.ask("PATCH", f"{ENDPOINTS}/{listed['id']}", {"description": "x"}),
        await door.post(f"{ENDPOINTS}/{listed['id']}/enable"),
    ]
    assert not any("secret" in each.raw.decode() or secret in each.raw.decode() for each in told)


async def test_endpoints_come_in_pages_newest_first(door: Door) -> None:
    ids = [await made(door, f"endpoint-{number}") for number in range(5)]
    page = (await door.get(f"{ENDPOINTS}?limit=2")).body
    assert ([each["id"] for each in page["data"]], page["has_more"]) == (ids[:2:-1], True)
    rest = (await door.get(f"{ENDPOINTS}?starting_after={ids[3]}")).body
    assert ([each["id"] for each in rest["data"]], rest["has_more"]) == (ids[2::-1], False)


async def test_what_was_sent_is_shown_in_pages_with_its_attempts_and_sent_again(door: Door) -> None:
    id = await made(door)
    ids = [sent(door.service, id, f"pay_{number:032x}") for number in range(3)]
    path = f"{ENDPOINTS}/{id}/deliveries"
    found = (await door.get(path)).body["data"]
    assert [each["id"] for each in found] == ids[::-1]
    (attempt,) = found[0]["attempts"]
    assert (attempt["number"], attempt["status"], attempt["at"][-1]) == (1, 500, "Z")
    assert (found[0]["status"], found[0]["next_attempt_at"]) == ("failed", None)
    page = (await door.get(f"{path}?limit=1&starting_after={ids[2]}&status=failed")).body
    assert ([each["id"] for each in page["data"]], page["has_more"]) == ([ids[1]], True)
    assert (await door.get(f"{path}?status=delivered")).body["data"] == []
    again = await door.post(f"/v1/deliveries/{ids[0]}/redeliver")
    assert (again.status, again.body["status"], again.body["id"]) == (200, "pending", ids[0])
    assert again.body["next_attempt_at"]
    assert (await door.post(f"/v1/deliveries/msg_{'0' * 32}/redeliver")).status == 404


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["url"]),
        ({"url": 5}, ["url"]),
        ({"url": "http://shop.example/"}, ["url"]),
        ({"url": "https://10.0.0.1/"}, ["url"]),
        ({"url": "https://[::ffff:127.0.0.1]/"}, ["url"]),
        ({"url": "https://2130706433/"}, ["url"]),
        ({"url": "https://shop.example:22/"}, ["url"]),
        ({"url": "https://user:secret@shop.example/"}, ["url"]),
        ({"url": "https://shop.example/4242424242424242"}, ["url"]),
        ({"url": URL, "event_types": []}, ["event_types"]),
        ({"url": URL, "event_types": ["payment.captured"]}, ["event_types"]),
        ({"url": URL, "event_types": ["*"] * 51}, ["event_types"]),
        ({"url": URL, "description": "4242 4242 4242 4242", "ordered": 1}, ["description", "ordered"]),
        ({"url": URL, "description": "\x00", "secret": "whsec_mine"}, ["description", "secret"]),
    ],
)
async def test_what_cannot_be_made_is_said_field_by_field(
    door: Door, body: dict[str, object], fields: list[str]
) -> None:
    told = await door.post(ENDPOINTS, body)
    assert (told.status, told.body["code"]) == (422, "validation_failed")
    assert sorted(each["field"] for each in told.body["errors"]) == fields
    assert b"4242" not in told.raw.replace(told.body["request_id"].encode(), b"")
    path = f"{ENDPOINTS}/{await made(door)}"
    if body:
        refused = await door.ask("PATCH", path, body)
        assert (refused.status, refused.body["code"]) == (422, "validation_failed")
    assert (await door.get(path)).body["url"] == URL


async def test_what_no_body_is_for_takes_none_and_an_overlap_is_bounded(door: Door) -> None:
    path = f"{ENDPOINTS}/{await made(door)}"
    for where, body in (
        ("enable", {"why": "x"}),
        ("rotate_secret", {"overlap_s": 604_801}),
        ("rotate_secret", {"overlap_s": "1"}),
    ):
        assert (await door.post(f"{path}/{where}", body)).status == 422
    assert (await door.get(f"{path}?limit=1")).status == 422
    assert (await door.get(f"{path}/deliveries?ending_before=msg_{'0' * 32}")).status == 422


async def test_a_merchant_has_a_bounded_number_of_endpoints(door: Door) -> None:
    for number in range(ENDPOINTS_MAX):
        await made(door, f"endpoint-{number}")
    told = await door.post(ENDPOINTS, {"url": URL}, "one-more")
    assert (told.status, told.body["code"]) == (409, "limit_exceeded")
    assert (await door.post(ENDPOINTS, {"url": URL}, "others", key=OTHER_KEY)).status == 201


async def test_a_scope_is_needed_and_a_store_that_is_away_is_a_503(door: Door) -> None:
    refused = await door.post(ENDPOINTS, {"url": URL}, key=READ_ONLY_KEY)
    assert refused.status == 403 and "webhooks:manage" in refused.headers["WWW-Authenticate"]
    path = f"{ENDPOINTS}/{await made(door)}"
    delivery = sent(door.service, path.rpartition("/")[2], PAYMENT, ALICE)
    door.service.webhooks.away = True
    for method, where in (
        ("GET", ENDPOINTS),
        ("GET", path),
        ("PATCH", path),
        ("DELETE", path),
        ("POST", f"{path}/enable"),
        ("POST", f"{path}/rotate_secret"),
        ("GET", f"{path}/deliveries"),
        ("POST", f"/v1/deliveries/{delivery}/redeliver"),
    ):
        told = await door.ask(method, where, {"enabled": True} if method == "PATCH" else None)
        assert (told.status, told.body["code"]) == (503, "unavailable"), (method, where)


async def test_options_and_other_methods_are_told_what_there_is(door: Door) -> None:
    path = f"{ENDPOINTS}/{await made(door)}"
    assert (await door.ask("OPTIONS", path)).headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH"
    refused = await door.ask("PUT", path, {})
    assert (refused.status, refused.body["code"]) == (405, "method_not_allowed")
