"""Whatever the door answers, and to whatever, has an id by which its log lines are found."""

import asyncio
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from streams.delivery.logs import LINES_PER_WINDOW
from tests.web.fakes import Door, open_door
from tests.web.service import KEY, Service
from web.__main__ import ready_logs

HOST, AUTH = b"Host: door\r\n", f"Authorization: Bearer {KEY}\r\n".encode()
ASKED = {
    "a page": (b"GET /v1/payments HTTP/1.1\r\n" + HOST + AUTH + b"\r\n", 200),
    "only its headers": (b"HEAD /v1/payments HTTP/1.1\r\n" + HOST + AUTH + b"\r\n", 200),
    "what may be asked": (b"OPTIONS /v1/payments HTTP/1.1\r\n" + HOST + b"\r\n", 204),
    "a probe": (b"GET /livez HTTP/1.1\r\n" + HOST + b"\r\n", 200),
    "numbers": (b"GET /metrics HTTP/1.1\r\n" + HOST + b"\r\n", 200),
    "a document": (b"GET /openapi.json HTTP/1.1\r\n" + HOST + b"\r\n", 200),
    "nobody's request": (b"GET /v1/payments HTTP/1.1\r\n" + HOST + b"\r\n", 401),
    "nothing there": (b"GET /nowhere HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "another method": (b"DELETE /v1/payments HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    "a method that is none": (b"BREW /v1/payments HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a forged webhook": (b"POST /webhooks/stripe HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\n\r\n{}", 400),
    "a body too large": (
        b"POST /webhooks/stripe HTTP/1.1\r\n" + HOST + b"Content-Length: 999999\r\n\r\n",
        413,
    ),
    "an expectation": (b"POST /v1/payments HTTP/1.1\r\n" + HOST + b"Expect: tea\r\n\r\n", 400),
    "no HTTP": (b"\x16\x03\x01 nonsense\r\n\r\n", 400),
    "a header that is none": (b"GET /livez HTTP/1.1\r\n" + HOST + b"no header\r\n\r\n", 400),
    "a header too long": (b"GET /livez HTTP/1.1\r\n" + HOST + b"A: " + b"a" * 20_000 + b"\r\n\r\n", 400),
    "two lengths": (b"POST /v1/payments HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
}


async def answer(door: Door, asked: bytes) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.serving.port)
    try:
        writer.write(asked)
        return (await asyncio.wait_for(reader.read(65_536), 5)).decode()
    finally:
        writer.close()


@pytest.mark.parametrize("what", ASKED)
async def test_every_answer_says_its_id_once_and_not_who_made_the_server(door: Door, what: str) -> None:
    asked, status = ASKED[what]
    said = await answer(door, asked)
    assert said[: said.index("\r")].split(" ")[1] == str(status), said
    [request_id] = re.findall(r"(?i)^request-id: (req_[0-9a-f]{32})\r$", said, re.MULTILINE)
    assert re.findall(r"(?i)^server: (.*)\r$", said, re.MULTILINE) == ["millrace"]
    if "Content-Type: application/problem+json" in said:
        assert f'"request_id":"{request_id}"' in said


async def test_also_a_failure_of_ours_and_one_for_want_of_room_have_their_id() -> None:
    async with open_door(Service(breaks=True)) as door:
        path = f"/v1/payments/pay_{'0' * 32}".encode()
        said = await answer(door, b"GET " + path + b" HTTP/1.1\r\n" + HOST + AUTH + b"\r\n")
        assert "500" in said.split("\r\n")[0]
        assert "Request-Id: req_" in said
    async with open_door(requests_max=0) as door:
        said = await answer(door, ASKED["a page"][0])
        assert "503" in said.split("\r\n")[0]
        assert "Request-Id: req_" in said


@contextmanager
def ready() -> Iterator[None]:
    """The logs, as a process has them, and afterwards as they were."""
    logger, root = logging.getLogger("millrace.web"), logging.getLogger()
    kept = [(each, each.filters[:]) for each in root.handlers]
    ready_logs()
    yield
    logger.handlers.clear()
    logger.propagate = True
    for handler, filters in kept:
        handler.filters = filters


async def test_nobody_fills_the_disk_with_lines_of_one_kind(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    with ready():
        for _ in range(3 * LINES_PER_WINDOW):
            assert (await door.ask("POST", "/webhooks/stripe", b"{}", key=None)).status == 400
    lines = [record for record in caplog.records if record.name == "millrace.web"]
    assert len(lines) == LINES_PER_WINDOW
    assert all(record.request_id for record in lines)  # type: ignore[attr-defined]
