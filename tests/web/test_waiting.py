"""How long a POST waits, what it says when it cannot wait longer, and what it says while the door is closing."""

import asyncio
import time
from collections.abc import Callable

import aiohttp
import pytest

from tests.web.fakes import PAYMENT, Door, open_door
from tests.web.service import OTHER_KEY
from web.patience import WAIT_MAX_S, preference
from web.payments import pending_refund


async def until(condition: Callable[[], object], deadline_s: float = 5.0) -> None:
    """Waits for `condition()` to hold."""
    ends_at = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < ends_at, "it never came to hold"
        await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("prefer", "wait_s", "applied"),
    [
        ([], 20.0, None),
        (["wait=3"], 3.0, "wait=3"),
        (["wait = 3"], 3.0, "wait=3"),
        (['wait="3"'], 3.0, "wait=3"),
        (["wait=0"], 0.0, "wait=0"),
        (["wait=600"], WAIT_MAX_S, "wait=60"),
        (["respond-async"], 0.0, "respond-async"),
        (["Respond-Async, WAIT=5"], 5.0, "respond-async, wait=5"),
        (["respond-async", "wait=5"], 5.0, "respond-async, wait=5"),
        (["wait=5, wait=9"], 5.0, "wait=5"),
        (["wait=5; because=hurry"], 5.0, "wait=5"),
        (["wait=-1"], 20.0, None),
        (["wait=1.5"], 20.0, None),
        (["wait=soon, handling=lenient"], 20.0, None),
        (["wait=99999999999999999999"], 20.0, None),
        ([",,;=,"], 20.0, None),
    ],
)
def test_preferences_are_read_as_rfc_7240_writes_them(
    prefer: list[str], wait_s: float, applied: str | None
) -> None:
    found = preference(prefer, 20.0)
    assert (found.wait_s, found.applied) == (wait_s, applied)


async def test_a_payment_that_takes_longer_than_the_wait_is_accepted(door: Door) -> None:
    door.service.provider_is_silent = True
    told = await door.post("/v1/payments", PAYMENT, Prefer="wait=0")
    assert told.status == 202
    assert told.headers["Preference-Applied"] == "wait=0"
    assert int(told.headers["Retry-After"]) >= 1
    assert told.body["status"] == "processing"
    assert told.headers["Location"] == f"/v1/payments/{told.body['id']}"
    assert (await door.get(told.headers["Location"])).status == 200


async def test_without_anything_to_read_the_accepted_payment_is_named(door: Door) -> None:
    door.service.reader_is_away = door.service.provider_is_silent = True
    told = await door.post("/v1/payments", PAYMENT, Prefer="respond-async")
    assert told.status == 202
    assert told.body == {
        "id": door.service.appended[0].origin.payment_id,
        "object": "payment",
        "status": "processing",
    }


async def test_where_the_reply_was_lost_the_state_is_shown_and_asking_again_brings_the_answer(
    door: Door,
) -> None:
    door.service.replies_are_lost = True
    told = await door.post("/v1/payments", PAYMENT, Prefer="wait=1")
    assert (told.status, told.body["status"]) == (202, "captured")
    assert told.body in door.service.remembered_views
    assert door.count("millrace_replies_late_total", type="payment.create.v1") == 1
    door.service.replies_are_lost = False
    again = await door.post("/v1/payments", PAYMENT, Prefer="wait=1")
    assert (again.status, again.body) == (201, told.body)


@pytest.mark.parametrize(
    "other",
    [{"amount": 5000}, {"return_url": "https://b.example/"}, {"statement_descriptor_suffix": "B"}, {}],
)
async def test_no_payment_is_said_to_be_of_another_body_under_its_key(
    door: Door, other: dict[str, object]
) -> None:
    """The payment does not show all that was asked for, and what is left out may have been asked for first."""
    await door.post("/v1/payments", PAYMENT | {"return_url": "https://a.example/"})
    door.service.replies_are_lost = True
    assert (await door.post("/v1/payments", PAYMENT | other, Prefer="wait=0")).status == 202
    door.service.replies_are_lost = False
    told = await door.post("/v1/payments", PAYMENT | other)
    assert (told.status, told.body["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("action", ["capture", "cancel"])
async def test_a_lost_reply_to_a_change_is_not_guessed_at(door: Door, action: str) -> None:
    made = await door.post("/v1/payments", PAYMENT | {"capture_method": "manual"})
    door.service.replies_are_lost = True
    told = await door.post(f"{made.headers['Location']}/{action}", None, "c", Prefer="wait=0")
    assert (told.status, told.body["object"]) == (202, "payment")
    assert told.headers["Location"] == made.headers["Location"]


async def test_where_the_reply_to_a_refund_was_lost_it_is_shown_as_far_as_it_is_known(door: Door) -> None:
    made = await door.post("/v1/payments", PAYMENT)
    door.service.replies_are_lost = True
    told = await door.post(f"{made.headers['Location']}/refunds", {"amount": 5}, "r", Prefer="wait=0")
    assert (told.status, told.body["status"]) == (202, "succeeded")
    assert told.headers["Location"] == f"/v1/refunds/{told.body['id']}"
    door.service.reader_is_away = True
    told = await door.post(f"{made.headers['Location']}/refunds", {"amount": 7}, "r3", Prefer="wait=0")
    assert (told.status, told.body) == (202, pending_refund(told.body["id"], made.body["id"]))


@pytest.mark.parametrize(
    "other",
    [{"amount": 6}, {"amount": 5, "reason": "duplicate"}, {"amount": 5, "expected_refundable": 1999}, {}],
)
async def test_no_refund_is_said_to_be_of_another_body_under_its_key(
    door: Door, other: dict[str, object]
) -> None:
    """All that is left, where no amount is given, may be the amount that was."""
    made = await door.post("/v1/payments", PAYMENT)
    path = f"{made.headers['Location']}/refunds"
    await door.post(path, {"amount": 5}, "r")
    door.service.replies_are_lost = True
    assert (await door.post(path, other, "r", Prefer="wait=0")).status == 202
    door.service.replies_are_lost = False
    told = await door.post(path, other, "r")
    assert (told.status, told.body["code"]) == (422, "idempotency_key_reused")


async def test_two_who_ask_the_same_wait_for_one_answer(door: Door) -> None:
    door.service.provider_is_silent = True
    both = [asyncio.create_task(door.post("/v1/payments", PAYMENT)) for _ in range(2)]
    await until(lambda: len(door.service.appended) == 2)
    door.service.provider_is_silent = False
    door.service.settle(door.service.appended[0])
    told = await asyncio.gather(*both)
    assert [t.status for t in told] == [201, 201]
    assert told[0].body == told[1].body


async def test_a_closing_door_cuts_waits_short_and_finishes_its_answers() -> None:
    async with open_door(drain_s=1.2) as door:
        door.service.provider_is_silent = True
        waits = [asyncio.create_task(door.post("/v1/payments", PAYMENT, f"k{n}")) for n in range(10)]
        await until(lambda: door.service.waiters == 10)
        began = time.monotonic()
        await door.serving.drain()
        took_s = time.monotonic() - began
        assert {t.status for t in await asyncio.gather(*waits)} == {202}
        assert took_s < 3
        with pytest.raises(aiohttp.ClientConnectorError):
            await door.get("/livez")


async def test_a_closing_door_still_answers_what_gets_its_answer() -> None:
    async with open_door(drain_s=3) as door:
        door.service.provider_is_silent = True
        wait = asyncio.create_task(door.post("/v1/payments", PAYMENT))
        await until(lambda: door.service.waiters == 1)
        drained = asyncio.create_task(door.serving.drain())
        await asyncio.sleep(0.05)
        door.service.settle(door.service.appended[0])
        assert (await wait).status == 201
        await drained


async def test_too_many_inside_are_turned_away_and_health_is_not() -> None:
    async with open_door(requests_max=2) as door:
        door.service.provider_is_silent = True
        waits = [asyncio.create_task(door.post("/v1/payments", PAYMENT, f"k{n}")) for n in range(2)]
        await until(lambda: door.service.waiters == 2)
        told = await door.post("/v1/payments", PAYMENT, "k3")
        assert (told.status, told.body["code"]) == (503, "unavailable")
        assert "Retry-After" in told.headers
        assert (await door.get("/livez")).status == 200
        assert (await door.get("/readyz")).status == 200
        for command in list(door.service.appended):
            door.service.settle(command)
        assert {t.status for t in await asyncio.gather(*waits)} == {201}
        assert (await door.post("/v1/payments", PAYMENT, "k3", Prefer="wait=0")).status == 202


async def test_who_hangs_up_while_waiting_leaves_nothing_behind(door: Door) -> None:
    door.service.provider_is_silent = True
    wait = asyncio.create_task(door.post("/v1/payments", PAYMENT, Prefer="wait=1"))
    await until(lambda: door.service.waiters == 1)
    wait.cancel()
    await until(lambda: door.service.waiters == 0)
    await until(lambda: door.count("millrace_http_requests_in_flight") == 0)


async def test_what_is_not_known_yet_is_no_replay_and_what_is_remembered_is_one(door: Door) -> None:
    door.service.provider_is_silent = True
    for _ in range(2):
        early = await door.post("/v1/payments", PAYMENT, Prefer="wait=0")
        assert (early.status, "Idempotent-Replayed" in early.headers) == (202, False)
    door.service.settle(door.service.appended[0])
    told = await door.post("/v1/payments", PAYMENT)
    assert (told.status, told.headers["Idempotent-Replayed"]) == (201, "true")
    path = f"{told.headers['Location']}/capture"
    for replayed in (None, "true"):
        refused = await door.post(path, {}, "capture")
        assert (refused.status, refused.headers.get("Idempotent-Replayed")) == (409, replayed)


async def test_a_closing_door_says_that_a_connection_ends_and_reads_what_was_on_its_way() -> None:
    async with open_door(drain_s=2) as door:
        _, busy = busy_connection = await asyncio.open_connection("127.0.0.1", door.serving.port)
        busy.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"Connection: close" not in await busy_connection[0].readuntil(b"}")
        drained = asyncio.create_task(door.serving.drain())
        await asyncio.sleep(0.02)
        busy.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await asyncio.wait_for(busy_connection[0].read(), 5)
        assert answer.startswith(b"HTTP/1.1 200") and b"Connection: close" in answer
        busy.close()
        await drained


async def test_one_merchant_who_waits_does_not_take_everybodys_places() -> None:
    """Nothing was done of what is turned away; reading goes on."""
    async with open_door(open_of_one_max=2, requests_max=4) as door:
        door.service.provider_is_silent = True
        waiting = [asyncio.ensure_future(door.post("/v1/payments", PAYMENT, f"k{n}")) for n in range(2)]
        await until(lambda: door.service.waiters == 2)
        told = await door.post("/v1/payments", PAYMENT, "k2")
        assert (told.status, told.body["code"], told.headers["Retry-After"]) == (429, "rate_limited", "1")
        assert len(door.service.appended) == 2
        assert (await door.get("/v1/payments")).status == 200
        door.service.provider_is_silent = False
        assert (await door.post("/v1/payments", PAYMENT, "k2", key=OTHER_KEY)).status == 201
        for command in door.service.appended[:2]:
            door.service.settle(command)
        assert [each.status for each in await asyncio.gather(*waiting)] == [201, 201]
        assert (await door.post("/v1/payments", PAYMENT, "k2")).status == 201
