"""A full house: whoever comes is told so from the bytes that came, and whatever may be more than one whole command is read."""

import asyncio

import orjson
import pytest

from tests.web.fakes import PAYMENT, open_door
from tests.web.service import KEY
from tests.web.test_waiting import until
from web.app import PATIENCE
from web.full_house import TURNED_AWAY, is_one_command

BODY = orjson.dumps(PAYMENT)
LINE = b"POST /v1/payments HTTP/1.1\r\n"
HEAD = LINE + b"Host: x\r\nAuthorization: Bearer " + KEY.encode() + b"\r\nContent-Type: application/json\r\n"


def command(key: str) -> bytes:
    own = f"Idempotency-Key: {key}\r\nContent-Length: {len(BODY)}\r\n\r\n"
    return HEAD + own.encode() + BODY


ONE = command("k")
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
DOUBTFUL = {
    "not a command": b"GET /v1/payments HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    "Stripe's": ONE.replace(b"/v1/payments", b"/webhooks/stripe"),
    "an older HTTP": ONE.replace(b"HTTP/1.1", b"HTTP/1.0"),
    "a part of the head": HEAD,
    "a part of the body": ONE[:-1],
    "more than one": ONE + ONE,
    "a byte more": ONE + b" ",
    "no length": ONE.replace(LENGTH, b""),
    "two lengths": ONE.replace(LENGTH, LENGTH + LENGTH),
    "a length that is none": ONE.replace(LENGTH, b"Content-Length: +%d\r\n" % len(BODY)),
    "a length before a space": ONE.replace(LENGTH, b"Content-Length : %d\r\n" % len(BODY)),
    "chunks": ONE.replace(LENGTH, LENGTH + b"Transfer-Encoding: chunked\r\n"),
    "chunks behind half a line end": ONE.replace(LENGTH, b"A: b\nTransfer-Encoding: chunked\r\n" + LENGTH),
    "chunks behind the other half": ONE.replace(LENGTH, b"A: b\rTransfer-Encoding: chunked\r\n" + LENGTH),
    "an expectation": ONE.replace(LENGTH, LENGTH + b"Expect: 100-continue\r\n"),
    "the connection's end": ONE.replace(LENGTH, LENGTH + b"connection: close\r\n"),
    "a length in two lines": ONE.replace(LENGTH, LENGTH + b" 0\r\n"),
    "another protocol": ONE.replace(LENGTH, LENGTH + b"Upgrade: h2c\r\n"),
    "a browser's": ONE.replace(LENGTH, LENGTH + b"Origin: https://shop.example\r\n"),
}


def test_a_whole_command_is_one() -> None:
    assert is_one_command(ONE)
    assert is_one_command(ONE.replace(b"Content-Length: ", b"CONTENT-LENGTH:\t"))
    assert is_one_command(ONE.replace(LENGTH, b"Content-Length: 4\r\n").replace(BODY, b"\r\n\r\n"))


@pytest.mark.parametrize("what", DOUBTFUL)
def test_where_a_doubt_is_left_it_is_read_as_always(what: str) -> None:
    assert DOUBTFUL[what] != ONE and not is_one_command(DOUBTFUL[what])


async def told(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    [length] = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return head, await asyncio.wait_for(reader.readexactly(int(length.partition(b":")[2])), 10)


async def test_who_comes_to_a_full_house_is_told_so_and_may_come_again_on_the_same_connection() -> None:
    async with open_door(requests_max=1) as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.serving.port)
        writer.write(command("first"))
        assert (await told(reader))[0].startswith(b"HTTP/1.1 201 ")
        door.service.provider_is_silent = True
        inside = asyncio.create_task(door.post("/v1/payments", PAYMENT, "inside"))
        await until(lambda: door.service.waiters == 1)
        ids = set()
        for _ in range(3):
            writer.write(command("later"))
            head, body = await told(reader)
            problem = orjson.loads(body)
            assert head.startswith(b"HTTP/1.1 503 ") and b"Connection: close" not in head
            assert b"\r\nRetry-After: 1\r\n" in head and b"\r\nCache-Control: no-store\r\n" in head
            assert (problem["code"], problem["retryable"]) == ("unavailable", True)
            assert f"\r\nRequest-Id: {problem['request_id']}\r\n".encode() in head
            assert problem["instance"].endswith(problem["request_id"])
            ids.add(problem["request_id"])
        assert len(ids) == 3
        counted = {"method": "POST", "route": TURNED_AWAY, "status": "503"}
        assert door.registry.get_sample_value("millrace_http_requests_total", counted) == 3
        assert len(door.service.appended) == 2
        door.service.settle(door.service.appended[-1])
        assert (await inside).status == 201
        door.service.provider_is_silent = False
        writer.write(command("later"))
        assert (await told(reader))[0].startswith(b"HTTP/1.1 201 ")
        writer.close()


async def test_what_is_in_doubt_is_refused_as_always_when_it_is_whole() -> None:
    async with open_door(requests_max=0) as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.serving.port)
        for _ in range(2):
            writer.write(ONE[:-7])
            await asyncio.sleep(0.05)
            writer.write(ONE[-7:])
            head, body = await told(reader)
            assert head.startswith(b"HTTP/1.1 503 ") and orjson.loads(body)["code"] == "unavailable"
        writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await told(reader))[0].startswith(b"HTTP/1.1 200 ")
        assert door.count("millrace_http_problems_total", route="/v1/payments", code="unavailable") == 2
        writer.close()


async def test_what_ends_the_head_of_a_request_that_has_begun_is_no_command() -> None:
    """Its beginning came behind another request: in the same bytes, while nobody waited for a head."""
    async with open_door(requests_max=1) as door:
        door.service.provider_is_silent = True
        inside = asyncio.create_task(door.post("/v1/payments", PAYMENT, "inside"))
        await until(lambda: door.service.waiters == 1)
        reader, writer = await asyncio.open_connection("127.0.0.1", door.serving.port)
        writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\nX-Begun: ")
        assert (await told(reader))[0].startswith(b"HTTP/1.1 200 ")
        writer.write(ONE)
        head, _ = await told(reader)
        assert not head.startswith(b"HTTP/1.1 503 "), "it was the rest of a header of the second one"
        writer.close()
        door.service.settle(door.service.appended[-1])
        await inside


async def test_commands_in_pieces_leave_the_connection_fit_for_whole_ones() -> None:
    async with open_door(requests_max=0) as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.serving.port)
        writer.write(ONE[:-7])
        await asyncio.sleep(0.05)
        writer.write(ONE[-7:])
        await told(reader)
        writer.write(ONE)
        await told(reader)
        assert door.count("millrace_http_problems_total", route="/v1/payments", code="unavailable") == 1
        assert door.count("millrace_http_problems_total", route=TURNED_AWAY, code="unavailable") == 1
        writer.close()


async def test_who_reads_no_answers_is_given_no_more_of_them() -> None:
    """What is written to them would pile up here; read as always, a request waits for its client to read."""
    async with open_door(requests_max=0) as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.serving.port)
        writer.write(ONE)
        await told(reader)
        assert door.serving.runner.server is not None
        (connection,) = door.serving.runner.server.connections
        connection.pause_writing()  # as its transport tells it, behind 64 KiB that were not read
        writer.write(ONE)
        await until(
            lambda: door.count("millrace_http_problems_total", route="/v1/payments", code="unavailable") == 1
        )
        connection.resume_writing()
        assert (await told(reader))[0].startswith(b"HTTP/1.1 503 ")
        assert door.count("millrace_http_problems_total", route=TURNED_AWAY, code="unavailable") == 1
        writer.close()


async def test_who_comes_while_the_door_closes_is_told_that_the_connection_ends() -> None:
    async with open_door(requests_max=0) as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.serving.port)
        writer.write(ONE)
        await told(reader)
        door.serving.runner.app[PATIENCE].end_within(5)
        writer.write(ONE)
        head, _ = await told(reader)
        assert head.startswith(b"HTTP/1.1 503 ") and b"\r\nConnection: close\r\n" in head
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
