"""One attempt over a real connection: signed, bounded in time and size, never led elsewhere."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from models.webhooks import ANSWER_KEPT_BYTES, Answer, Delivery, secret_of
from streams.adapters.webhook_sender import HttpWebhookSender
from tests.streams.adapters.receiver import HOST, Receiver, receiving

SECRET = secret_of(b"s" * 32)
SHORT_S = 0.5


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        receiver.secrets["/hook"] = SECRET
        yield receiver


async def sent(url: str, allowed: tuple[str, ...] = (HOST,)) -> Answer:
    sender = HttpWebhookSender(allowed, SHORT_S)
    try:
        delivery = Delivery("msg_1", "we_1", url, '{"type":"a"}', 1, 1, (SECRET,), datetime.now(UTC))
        return await sender.send(delivery)
    finally:
        await sender.close()


async def test_it_arrives_as_it_was_signed(receiver: Receiver) -> None:
    answer = await sent(f"{receiver.url}/hook")
    assert (answer.status, answer.body, answer.error) == (200, "taken", None)
    assert receiver.got == [("/hook", "msg_1", {"type": "a"})]


async def test_of_an_answer_the_first_kib_is_kept(receiver: Receiver) -> None:
    receiver.body = "x" * 1_000_000
    assert (await sent(f"{receiver.url}/hook")).body == "x" * ANSWER_KEPT_BYTES


async def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.statuses["/hook"] = 307
    receiver.headers["Location"] = f"{receiver.url}/elsewhere"
    assert (await sent(f"{receiver.url}/hook")).status == 307
    assert receiver.ids("/elsewhere") == []


async def test_who_does_not_answer_is_not_waited_for(receiver: Receiver) -> None:
    receiver.pauses_s["/hook"] = 30
    answer = await sent(f"{receiver.url}/hook")
    assert (answer.status, answer.error) == (None, "no answer in time")
    assert answer.seconds < 10


async def test_nobody_waits_for_others_at_the_same_host(receiver: Receiver) -> None:
    receiver.pauses_s["/slow"] = 30
    sender = HttpWebhookSender((HOST,), 15.0)

    async def send(path: str) -> Answer:
        url = f"{receiver.url}{path}"
        return await sender.send(Delivery("msg_1", path, url, "{}", 1, 1, (SECRET,), datetime.now(UTC)))

    slow = [asyncio.create_task(send("/slow")) for _ in range(70)]  # of several merchants
    try:
        await asyncio.sleep(0.5)
        fast = await send("/hook")
        assert fast.status == 200
        assert fast.seconds < 5
    finally:
        for each in slow:
            each.cancel()
        await sender.close()


@pytest.mark.parametrize("goes_on", ["slowly", "never", "breaks off"])
async def test_who_says_that_it_was_taken_is_believed_however_the_rest_comes(goes_on: str) -> None:
    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nta")
        with contextlib.suppress(OSError):
            while goes_on == "slowly":
                writer.write(b"k")
                await writer.drain()
                await asyncio.sleep(0.1)
            if goes_on == "never":
                await reader.read()
        writer.close()

    async with await asyncio.start_server(take, HOST, 0) as server:
        port = server.sockets[0].getsockname()[1]
        answer = await sent(f"http://{HOST}:{port}/")
    assert (answer.status, answer.error) == (200, None)
    assert answer.body.startswith("ta")
    assert answer.seconds < 10


async def test_nobody_there_is_an_answer(unused_port: int) -> None:
    answer = await sent(f"http://{HOST}:{unused_port}/")
    assert answer.status is None
    assert answer.error


async def test_a_local_receiver_is_not_reached_unless_it_is_on_the_list(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "not sent" in ((await sent(f"{receiver.url}/hook", ())).error or "")
    monkeypatch.setattr("streams.adapters.webhook_sender.url_refused", lambda url, allowed: None)
    by_name = receiver.url.replace(HOST, "localhost")
    assert "not of the public internet" in ((await sent(f"{by_name}/hook", ())).error or "")
    assert receiver.got == []


async def test_who_asks_for_time_is_heard(receiver: Receiver) -> None:
    receiver.statuses["/hook"] = 503
    receiver.headers["Retry-After"] = "120"
    assert (await sent(f"{receiver.url}/hook")).retry_after_s == 120


@pytest.mark.parametrize(
    "asked",
    [
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2026 00:00:00 +99999999999999999999",
        "soon",
        "-1",
        "\u00b2",
    ],
)
async def test_who_asks_for_no_time_that_there_is_is_answered_all_the_same(
    receiver: Receiver, asked: str
) -> None:
    receiver.statuses["/hook"] = 503
    receiver.headers["Retry-After"] = asked
    answer = await sent(f"{receiver.url}/hook")
    assert (answer.status, answer.retry_after_s) == (503, None)


@pytest.fixture
async def unused_port() -> int:
    async with receiving() as gone:
        return int(gone.url.rpartition(":")[2])
