"""What is wrong beside the body: queries where none are taken, keys that are card numbers, addresses too long, odd methods."""

import asyncio

import pytest

from tests.web.fakes import PAYMENT, Door

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
    assert b"Allow: GET, HEAD, OPTIONS, POST\r\n" in answer


async def exchange(door: Door, sent: bytes) -> bytes:
    """All that comes back until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", door.serving.port)
    writer.write(sent)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer
