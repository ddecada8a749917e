"""Commands over REST: made, repeated, refused, captured, cancelled, refunded."""

import asyncio

import pytest

from models import ids
from models.codes import Code
from models.commands import CreatePayment, FieldError
from models.ports import Reply
from tests.web.fakes import PAYMENT, Door, open_door
from tests.web.service import ALICE, KEY, LIVE_KEY, OTHER_KEY, READ_ONLY_KEY, Service
from web.problems import STATUS


async def test_a_payment_is_made_and_can_be_read_at_once(door: Door) -> None:
    made = await door.post("/v1/payments", PAYMENT | {"metadata": {"order": "6735"}})
    assert made.status == 201
    assert made.body["status"] == "captured"
    assert made.body["amount"] == 1999
    assert made.headers["Location"] == f"/v1/payments/{made.body['id']}"
    assert "Idempotent-Replayed" not in made.headers
    assert made.headers["Request-Id"].startswith("req_")
    assert door.service.remembered_views == [made.body]
    read = await door.get(made.headers["Location"])
    assert (read.status, read.body) == (200, made.body)


async def test_ids_follow_from_merchant_and_key(door: Door) -> None:
    made = await door.post("/v1/payments", PAYMENT, "order 6735")
    uuid = ids.command_uuid(ALICE, "order 6735")
    assert made.body["id"] == ids.payment_id(uuid)
    assert [c.origin.command_id for c in door.service.appended] == [str(uuid)]
    refund = await door.post(f"/v1/payments/{made.body['id']}/refunds", {"amount": 5}, "r")
    assert refund.body["id"] == ids.refund_id(ids.command_uuid(ALICE, "r"))


async def test_a_decline_is_a_payment_too(door: Door) -> None:
    made = await door.post("/v1/payments", PAYMENT | {"payment_method": "pm_card_chargeDeclined"})
    assert made.status == 201
    assert made.body["status"] == "declined"
    assert made.body["decline"]["decline_code"] == "generic_decline"


@pytest.mark.parametrize("again", ["key-1", '"key-1"', ' "key-1" '])
async def test_the_same_key_and_body_get_the_same_answer(door: Door, again: str) -> None:
    first = await door.post("/v1/payments", PAYMENT)
    second = await door.post("/v1/payments", PAYMENT, again)
    assert (second.status, second.body) == (201, first.body)
    assert second.headers["Idempotent-Replayed"] == "true"


async def test_a_key_with_another_body_is_refused(door: Door) -> None:
    await door.post("/v1/payments", PAYMENT)
    other = await door.post("/v1/payments", PAYMENT | {"amount": 2000})
    assert (other.status, other.body["code"]) == (422, "idempotency_key_reused")
    assert other.headers["Content-Type"].startswith("application/problem+json")


async def test_two_merchants_may_use_the_same_key(door: Door) -> None:
    mine = await door.post("/v1/payments", PAYMENT)
    theirs = await door.post("/v1/payments", PAYMENT, key=OTHER_KEY)
    assert theirs.status == 201
    assert theirs.body["id"] != mine.body["id"]


async def test_parallel_posts_with_one_key_make_one_payment(door: Door) -> None:
    told = await asyncio.gather(*(door.post("/v1/payments", PAYMENT) for _ in range(50)))
    assert {t.status for t in told} == {201}
    assert len({t.body["id"] for t in told}) == 1
    assert len(door.service.transactions) == 1


async def test_an_authorised_payment_is_captured_in_part(door: Door) -> None:
    made = await door.post("/v1/payments", PAYMENT | {"capture_method": "manual"})
    assert made.body["status"] == "authorized"
    captured = await door.post(f"{made.headers['Location']}/capture", {"amount": 1500}, "c")
    assert (captured.status, captured.body["status"]) == (200, "captured")
    assert captured.body["amount_captured"] == 1500
    again = await door.post(f"{made.headers['Location']}/capture", {"amount": 1500}, "c")
    assert (again.status, again.headers["Idempotent-Replayed"]) == (200, "true")


async def test_a_capture_without_a_body_takes_all(door: Door) -> None:
    made = await door.post("/v1/payments", PAYMENT | {"capture_method": "manual"})
    captured = await door.post(f"{made.headers['Location']}/capture", None, "c")
    assert (captured.status, captured.body["amount_captured"]) == (200, 1999)


async def test_an_authorised_payment_is_cancelled(door: Door) -> None:
    made = await door.post("/v1/payments", PAYMENT | {"capture_method": "manual"})
    canceled = await door.post(f"{made.headers['Location']}/cancel", {"reason": "abandoned"}, "x")
    assert (canceled.status, canceled.body["status"]) == (200, "canceled")


async def test_one_keys_refunds_of_two_payments_are_read_each_by_its_payment(door: Door) -> None:
    """The id follows from the key: of itself it names the one made last, and a client that waits for the other asks for it."""
    payments = [(await door.post("/v1/payments", PAYMENT, f"p{n}")).headers["Location"] for n in (1, 2)]
    made = [await door.post(f"{path}/refunds", {"amount": 5}, "one key") for path in payments]
    assert made[0].body["id"] == made[1].body["id"]
    path = made[0].headers["Location"]
    assert (await door.get(path)).body == made[1].body
    for each in made:
        assert (await door.get(f"{path}?payment={each.body['payment']}")).body == each.body
    third = (await door.post("/v1/payments", PAYMENT, "p3")).body["id"]
    for query, status in ((f"payment={third}", 404), ("payment=pay_1", 422), ("refund=x", 422)):
        assert (await door.get(f"{path}?{query}")).status == status


async def test_a_refund_is_made_listed_and_read(door: Door) -> None:
    made = await door.post("/v1/payments", PAYMENT)
    path = f"{made.headers['Location']}/refunds"
    refunds = [await door.post(path, {"amount": n, "reason": "duplicate"}, f"r{n}") for n in (100, 200, 300)]
    assert [r.status for r in refunds] == [201, 201, 201]
    assert refunds[0].body["object"] == "refund"
    assert refunds[0].headers["Location"] == f"/v1/refunds/{refunds[0].body['id']}"
    listed = await door.get(f"{path}?limit=2")
    assert [r["amount"] for r in listed.body["data"]] == [300, 200]
    assert listed.body["has_more"] is True
    rest = await door.get(f"{path}?limit=2&starting_after={listed.body['data'][-1]['id']}")
    assert ([r["amount"] for r in rest.body["data"]], rest.body["has_more"]) == ([100], False)
    back = await door.get(f"{path}?limit=1&ending_before={rest.body['data'][0]['id']}")
    assert ([r["amount"] for r in back.body["data"]], back.body["has_more"]) == ([200], True)
    one = await door.get(refunds[1].headers["Location"])
    assert (one.status, one.body) == (200, refunds[1].body)
    again = await door.post(path, {"amount": 100, "reason": "duplicate"}, "r100")
    assert (again.status, again.body["id"]) == (201, refunds[0].body["id"])
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/refunds", {"amount": 2000}, 422, "refund_exceeds_refundable"),
        ("/refunds", {"expected_refundable": 5}, 409, "refundable_mismatch"),
        ("/capture", {}, 409, "payment_state_conflict"),
        ("/cancel", {}, 409, "payment_state_conflict"),
    ],
)
async def test_what_the_rules_refuse_is_a_problem(
    door: Door, path: str, body: dict[str, int], status: int, code: str
) -> None:
    made = await door.post("/v1/payments", PAYMENT)
    refused = await door.post(made.headers["Location"] + path, body, "other")
    assert (refused.status, refused.body["code"]) == (status, code)
    again = await door.post(made.headers["Location"] + path, body, "other")
    assert (again.status, again.headers["Idempotent-Replayed"]) == (status, "true")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": 10**12}, "amount_too_large"),
        ({"amount": 1}, "amount_too_small"),
        ({"currency": "xxx"}, "currency_unsupported"),
        ({"currency": "isk", "amount": 12345}, "validation_failed"),
    ],
)
async def test_what_cannot_be_charged_is_refused(door: Door, change: dict[str, object], code: str) -> None:
    refused = await door.post("/v1/payments", PAYMENT | change)
    assert (refused.status, refused.body["code"]) == (422, code)


async def test_more_than_was_authorised_is_not_captured(door: Door) -> None:
    made = await door.post("/v1/payments", PAYMENT | {"capture_method": "manual"})
    refused = await door.post(f"{made.headers['Location']}/capture", {"amount": 2000}, "c")
    assert (refused.status, refused.body["code"]) == (422, "capture_exceeds_authorized")


@pytest.mark.parametrize("code", list(STATUS))
async def test_every_code_a_reply_can_carry_has_its_status(door: Door, code: Code) -> None:
    wrong = FieldError("amount", "is odd")
    door.service.forced_reply = Reply("x", code.value, "Because.", False, None, None, (wrong,))
    told = await door.post("/v1/payments", PAYMENT)
    assert (told.status, told.body["code"]) == (STATUS[code], code.value)
    assert told.body["errors"] == [{"field": "amount", "message": "is odd"}]
    assert told.body["param"] == "amount"
    assert told.body["request_id"] == told.headers["Request-Id"]


@pytest.mark.parametrize("action", ["capture", "cancel", "refunds"])
async def test_another_merchants_payment_is_not_found(door: Door, action: str) -> None:
    made = await door.post("/v1/payments", PAYMENT | {"capture_method": "manual"})
    told = await door.post(f"{made.headers['Location']}/{action}", {}, "k", key=OTHER_KEY)
    assert (told.status, told.body["code"]) == (404, "not_found")
    assert (await door.get(made.headers["Location"])).body["status"] == "authorized"


async def test_another_merchants_objects_cannot_be_read(door: Door) -> None:
    made = await door.post("/v1/payments", PAYMENT)
    refund = await door.post(f"{made.headers['Location']}/refunds", {"amount": 5}, "r")
    paths = [made.headers["Location"], refund.headers["Location"]]
    paths += [f"{made.headers['Location']}/refunds", f"{made.headers['Location']}/events"]
    for path in paths:
        assert (await door.get(path)).status == 200
        theirs = await door.get(path, key=OTHER_KEY)
        assert (theirs.status, theirs.body["code"]) == (404, "not_found"), path
    assert (await door.get("/v1/payments", key=OTHER_KEY)).body["data"] == []


@pytest.mark.parametrize("path", ["", "/capture", "/cancel", "/refunds"])
async def test_a_post_without_an_idempotency_key_is_refused(door: Door, path: str) -> None:
    target = "/v1/payments" + (f"/pay_{'0' * 32}{path}" if path else "")
    for key in (None, "", '""'):
        told = await door.post(target, PAYMENT if not path else {}, key)
        assert (told.status, told.body["code"]) == (400, "idempotency_key_missing")
    assert door.service.appended == []


@pytest.mark.parametrize("key", ["x" * 256, '"open', '"a" b', "caf\u00e9", "a\tb"])
async def test_a_key_that_is_none_is_refused(door: Door, key: str) -> None:
    told = await door.post("/v1/payments", PAYMENT, key)
    assert (told.status, told.body["errors"][0]["field"]) == (422, "Idempotency-Key")


async def test_a_key_of_255_characters_is_taken(door: Door) -> None:
    assert (await door.post("/v1/payments", PAYMENT, "x" * 255)).status == 201


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic bXI6",
        "mr_test_alice0000",
        "Bearer sk_test_1",
        "Bearer mr_a b",
        "Bearer mr_" + "x" * 300,
    ],
)
async def test_without_an_api_key_nobody_comes_in(door: Door, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    for told in (
        await door.post("/v1/payments", b"not even JSON", key=None, **headers),
        await door.get("/v1/payments", key=None, **headers),
        await door.get(f"/v1/refunds/re_{'0' * 32}", key=None, **headers),
    ):
        assert (told.status, told.body["code"]) == (401, "unauthenticated")
        assert told.headers["WWW-Authenticate"].startswith("Bearer")


async def test_an_unknown_key_is_unauthenticated(door: Door) -> None:
    told = await door.get("/v1/payments", key="mr_test_unknown")
    assert (told.status, told.body["code"]) == (401, "unauthenticated")
    assert 'error="invalid_token"' in told.headers["WWW-Authenticate"]


@pytest.mark.parametrize(("livemode", "good", "bad"), [(False, KEY, LIVE_KEY), (True, LIVE_KEY, KEY)])
async def test_a_key_of_the_other_mode_opens_nothing(livemode: bool, good: str, bad: str) -> None:
    async with open_door(Service(livemode=livemode)) as door:
        for told in (
            await door.post("/v1/payments", PAYMENT, key=bad),
            await door.get("/v1/payments", key=bad),
        ):
            assert (told.status, told.body["code"]) == (401, "unauthenticated")
            assert told.body["detail"].startswith(f"This is a {bad[3:7]} key")
        assert (await door.post("/v1/payments", PAYMENT, key=good)).status == 201


@pytest.mark.parametrize("path", ["", "/capture", "/cancel", "/refunds"])
async def test_a_key_that_may_only_read_cannot_write(door: Door, path: str) -> None:
    target = "/v1/payments" + (f"/pay_{'0' * 32}{path}" if path else "")
    told = await door.post(target, PAYMENT, key=READ_ONLY_KEY)
    assert (told.status, told.body["code"]) == (403, "forbidden")
    assert (await door.get("/v1/payments", key=READ_ONLY_KEY)).status == 200


async def test_without_kafka_the_door_says_so_and_accepts_nothing(door: Door) -> None:
    door.service.log_is_away = True
    told = await door.post("/v1/payments", PAYMENT)
    assert (told.status, told.body["code"], told.body["retryable"]) == (503, "unavailable", True)
    assert int(told.headers["Retry-After"]) >= 1
    door.service.log_is_away = False
    assert (await door.post("/v1/payments", PAYMENT)).status == 201


async def test_without_the_database_keys_and_reads_are_unavailable(door: Door) -> None:
    door.service.reader_is_away = True
    assert (await door.get(f"/v1/payments/pay_{'0' * 32}")).status == 503
    assert (await door.post("/v1/payments", PAYMENT)).status == 201
    door.service.keys_are_away = True
    told = await door.post("/v1/payments", PAYMENT)
    assert (told.status, told.body["code"]) == (503, "unavailable")


async def test_the_trace_goes_along(door: Door) -> None:
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    await door.post("/v1/payments", PAYMENT, "1", traceparent=trace)
    await door.post("/v1/payments", PAYMENT, "2", traceparent="nonsense")
    assert door.service.traces == [trace, None]


async def test_all_terms_reach_the_command(door: Door) -> None:
    terms = {
        "description": "Zwölf Äpfel\n🍏",
        "customer": "cus_1",
        "receipt_email": "jenny@example.com",
        "statement_descriptor_suffix": "ORDER 6735",
        "return_url": "https://shop.example/done?x=1",
        "off_session": True,
        "metadata": {"a": "b"},
        "capture_method": "manual",
    }
    assert (await door.post("/v1/payments", PAYMENT | terms)).status == 201
    command = door.service.appended[0]
    assert isinstance(command, CreatePayment)
    assert {name: getattr(command.terms, name) for name in terms} == terms


async def test_the_default_wait_is_taken_from_the_limits() -> None:
    async with open_door(wait_s=0.05) as door:
        door.service.provider_is_silent = True
        assert (await door.post("/v1/payments", PAYMENT)).status == 202
