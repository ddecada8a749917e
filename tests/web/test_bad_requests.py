"""What is wrong beside the body: no HTTP, addresses, methods and queries that are none, keys that are card numbers."""

import asyncio
import json
import socket

import pytest

from tests.web.fakes import PAYMENT, Door
from tests.web.service import KEY

CARD = "4242424242424242"


@pytest.mark.parametrize("query", ["x=1", f"card={CARD}", f"{CARD}", "limit=5", "expand[]=refunds", "%ff=1"])
async def test_a_query_where_none_is_taken_is_refused(door: Door, query: str) -> None:
    made = (await door.post("/v1/payments", PAYMENT)).headers["Location"]
    refund = (await door.post(f"{made}/refunds", {"amount": 5}, "r")).headers["Location"]
    appended = len(door.service.appended)
    for told in (
        await door.get(f"{made}?{query}"),
        await door.get(f"{refund}?{query}"),
        await door.post(f"/v1/payments?{query}", PAYMENT, "k"),
        await door.post(f"{made}/refunds?{query}", {}, "k"),
        await door.post(f"{made}/capture?{query}", {}, "k"),
        await door.post(f"{made}/cancel?{query}", {}, "k"),
    ):
        assert (told.status, told.body["code"]) == (422, "validation_failed")
        assert CARD not in told.raw.decode()
    assert len(door.service.appended) == appended


@pytest.mark.parametrize(
    "key", [CARD, f'"{CARD}"', f"order-{CARD}", "4242 4242 4242 4242", "4242-4242-4242-4242"]
)
async def test_a_key_that_holds_a_card_number_is_refused(door: Door, key: str) -> None:
    told = await door.post("/v1/payments", PAYMENT, key)
    assert (told.status, told.body["param"]) == (422, "Idempotency-Key")
    assert "4242" not in told.raw.decode()
    assert door.service.appended == []


@pytest.mark.parametrize(
    "key", ["1732680000004", "1732680000000000004", "6fa3c1de-4242-4242-8242-424242424242"]
)
async def test_a_key_of_a_moment_or_a_uuid_is_taken(door: Door, key: str) -> None:
    assert (await door.post("/v1/payments", PAYMENT, key)).status == 201


async def test_an_address_that_is_too_long_is_told_so(door: Door) -> None:
    for sent in (
        b"GET /v1/payments?customer=" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nIf-None-Match: " + b"x" * 20_000 + b"\r\n\r\n",
    ):
        answer = await exchange(door, sent)
        assert answer.split(b" ", 2)[1] == b"400"
        assert b"longer than 16 KiB" in answer


async def test_options_of_the_whole_server_is_answered(door: Door) -> None:
    answer = await exchange(door, b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 204")
    assert b"Allow: DELETE, GET, HEAD, OPTIONS, PATCH, POST\r\n" in answer


async def test_a_body_of_very_many_members_is_refused_as_one(door: Door) -> None:
    body = json.dumps({f"m{number}": 1 for number in range(20_000)}).encode()
    told = await door.ask("POST", "/v1/payments", body, Idempotency_Key="k", Content_Type="application/json")
    assert (told.status, told.body["code"]) == (422, "validation_failed")
    assert told.body["errors"] == [
        {"field": "body", "message": "must not hold an object of more than 100 members"}
    ]


async def exchange(door: Door, sent: bytes) -> bytes:
    """All that comes back until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", door.serving.port)
    writer.write(sent)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


@pytest.mark.parametrize(
    "path",
    [
        "/v1", "/v1/", "/docs/nothing.js", "/docs/..%2fapp.py", "/docs/__init__.py", "/docs/", f"/docs/{CARD}",
        "/v1/payments/", "/v2/payments", "/v1/payments/pay_1", f"/v1/payments/{CARD}", "/v1/payments/%00",
        "/v1/payments/pay_%ff", "/v1/payments/..%2f..%2fetc", f"/v1/payments/PAY_{'0' * 32}", f"/v1/payments/pay_{'0' * 33}",
        f"/v1/payments/pay_{'G' * 32}", f"/v1/payments/pay_{'٠' * 32}", "/v1/refunds/re_1", "/v1/refunds/pay_" + "0" * 32,
        f"/v1/payments/pay_{'0' * 32}/events", f"/v1/payments/pay_{'0' * 32}/refunds", f"/v1/payments/pay_{'0' * 32}/x",
        "/%", "/%zz",
        f"/v1/payments/pay_{'0' * 32}", f"/v1/refunds/re_{'0' * 32}", "/v1/payments/x/events", "/v1/payments/x/refunds",
    ],
)  # fmt: skip
async def test_what_is_not_there_is_not_found(door: Door, path: str) -> None:
    told = await door.get(path)
    assert (told.status, told.body["code"]) == (404, "not_found")
    assert CARD not in told.raw.decode()


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=paid", "status"), ("status=", "status"), ("currency=USD", "currency"), ("customer=", "customer"),
        ("customer=%00", "customer"), (f"customer={CARD}", "customer"), ("created_after=yesterday", "created_after"),
        ("created_after=2026-01-31", "created_after"), ("created_before=2026-01-31T12:00:00", "created_before"),
        ("created_after=0001-01-01T00:00:00%2B14:00", "created_after"), ("created_after=1700000000", "created_after"),
        ("limit=0", "limit"), ("limit=101", "limit"), ("limit=-1", "limit"), ("limit=ten", "limit"), ("limit=1.0", "limit"),
        ("limit=%D9%A1", "limit"), ("limit=" + "9" * 5000, "limit"), ("limit=", "limit"), ("limit=5&limit=6", "limit"),
        ("starting_after=x", "starting_after"), (f"starting_after=re_{'0' * 32}", "starting_after"),
        ("ending_before=", "ending_before"),
        (f"starting_after=pay_{'0' * 32}&ending_before=pay_{'0' * 32}", "ending_before"), ("page=2", "page"),
        (f"{CARD}=1", "(unknown)"), ("limit", "limit"), ("limit=1;limit=2", "limit"), (f"limit={CARD}", "limit"),
        (f"status={CARD}", "status"), (f"starting_after={CARD}", "starting_after"), (f"created_after={CARD}", "created_after"),
        ("customer=%ff", "query"), ("customer=%ed%a0%80", "query"), ("%ff=1", "query"), (f"customer=%ff{CARD}", "query"),
        ("currency=usd&currency=eur", "currency"), ("status=captured&status=captured", "status"), ("%00=1", "(unknown)"),
        ("customer=%E2%80%8B%00", "customer"), ("customer=4242%204242%C2%A04242+4242", "customer"),
        ("metadata[]=x", "metadata"), ("metadata[a[b]]=x", "metadata"), (f"metadata[a]={'x' * 501}", "metadata.a"),
        ("metadata[a]=1&metadata[a]=2", "metadata"), ("&".join(f"metadata[k{n}]=1" for n in range(11)), "metadata"),
        (f"metadata[{CARD}]=1", "metadata"), (f"metadata[a]={CARD}", "metadata.a"), ("metadata=1", "metadata"),
    ],
)  # fmt: skip
async def test_a_bad_query_is_named(door: Door, query: str, field: str) -> None:
    told = await door.get(f"/v1/payments?{query}")
    assert (told.status, told.body["code"]) == (422, "validation_failed")
    assert [error["field"] for error in told.body["errors"]] == [field]
    assert CARD not in told.raw.decode()


@pytest.mark.parametrize(
    "query",
    ["after_sequence=-1", "after_sequence=x", f"after_sequence={2**31}", "limit=0", "status=captured"],
)
async def test_a_bad_query_for_a_story_is_refused(door: Door, query: str) -> None:
    told = await door.get(f"/v1/payments/pay_{'0' * 32}/events?{query}")
    assert (told.status, told.body["code"]) == (422, "validation_failed")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "QUERY"])
@pytest.mark.parametrize(
    "path", ["/v1/payments", f"/v1/payments/pay_{'0' * 32}", "/webhooks/stripe", "/livez"]
)
async def test_other_methods_are_not_allowed(door: Door, method: str, path: str) -> None:
    told = await door.ask(method, path)
    assert (told.status, told.body["code"]) == (405, "method_not_allowed")
    assert "OPTIONS" in told.headers["Allow"]


async def test_options_tells_the_methods_and_head_has_no_body(door: Door) -> None:
    told = await door.ask("OPTIONS", "/v1/payments", key=None)
    assert (told.status, told.headers["Allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    assert (await door.ask("OPTIONS", "/nowhere")).status == 404
    head = await door.ask("HEAD", "/v1/payments")
    assert (head.status, head.raw) == (200, b"")
    assert int(head.headers["Content-Length"]) == len((await door.get("/v1/payments")).raw)
    assert (await door.ask("HEAD", "/v1/payments", key=None)).status == 401


RAW_REQUESTS = [
    b"nonsense\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nBad Header: y\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(1000)) + b"\r\n",
    b"POST /v1/payments HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    b"POST /v1/payments HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /v1/payments HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"POST /v1/payments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + KEY.encode()
    + b"\r\nIdempotency-Key: k\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
]  # fmt: skip


@pytest.mark.parametrize("request_bytes", RAW_REQUESTS, ids=lambda sent: repr(sent[:30]))
async def test_what_is_no_http_gets_a_problem(door: Door, request_bytes: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.serving.port)
    writer.write(request_bytes)
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    if answer:
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b" 400 " in head.splitlines()[0]
        assert b"application/problem+json" in head
        assert json.loads(body)["code"] == "malformed_request"
    assert (await door.get("/livez")).status == 200


@pytest.mark.parametrize("expect", ["100-continue", "a-miracle"])
async def test_an_expectation_does_not_break_the_door(door: Door, expect: str) -> None:
    told = await door.post("/v1/payments", PAYMENT, Expect=expect)
    assert told.status == (201 if expect == "100-continue" else 400)
    assert told.status == 201 or told.body["code"] == "malformed_request"


async def test_a_slow_body_is_given_up(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.requests.BODY_READ_MAX_S", 0.1)
    head = (
        f"POST /v1/payments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nIdempotency-Key: k\r\n"
        "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", door.serving.port, family=socket.AF_INET)
    writer.write(head.encode())
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n"), 5)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 408")
