"""How long calls wait, what becomes of those that are given up, how many are inside, and how the door closes."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from tests.web.fakes import PAYMENT
from tests.web.grpc.door import WITHIN_S, GrpcDoor, open_grpc, refusal
from tests.web.service import KEY, OTHER_KEY, PRINCIPALS, READ_ONLY_KEY
from tests.web.test_waiting import until
from web.grpc import payments_pb2 as pb
from web.grpc import server
from web.grpc.service import DEADLINE_MARGIN_S

CREATE = pb.CreatePaymentRequest(**PAYMENT)
GET = "/millrace.v1.Payments/GetPayment"
TURNED_AWAY = grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED
OURS = (("authorization", f"Bearer {KEY}"),)


async def test_shortly_before_its_deadline_a_call_is_answered_with_what_is_known(
    door: GrpcDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.grpc.service.DEADLINE_MARGIN_S", 2.0)  # for a machine that is busy
    door.service.provider_is_silent = True
    began = time.monotonic()
    told = await door.ask("CreatePayment", CREATE, timeout_s=2.5)
    assert 0.4 <= time.monotonic() - began < 2.5
    assert not told.settled and told.payment.status == pb.PAYMENT_STATUS_PROCESSING
    door.service.settle(door.service.appended[0])
    assert (await door.pay()).payment.status == pb.PAYMENT_STATUS_CAPTURED


async def test_a_call_of_little_time_is_accepted_and_not_waited_for(door: GrpcDoor) -> None:
    door.service.provider_is_silent = True
    told = await door.ask("CreatePayment", CREATE, timeout_s=DEADLINE_MARGIN_S)
    assert not told.settled and len(door.service.appended) == 1


@pytest.mark.parametrize(("wait", "at_least_s"), [(Duration(), 0.0), (Duration(nanos=200_000_000), 0.2)])
async def test_a_request_says_how_long_to_wait(door: GrpcDoor, wait: Duration, at_least_s: float) -> None:
    door.service.provider_is_silent = True
    began = time.monotonic()
    told = await door.ask("CreatePayment", pb.CreatePaymentRequest(**PAYMENT, wait=wait))
    assert not told.settled
    assert at_least_s <= time.monotonic() - began < at_least_s + 5


async def test_without_a_deadline_the_default_wait_holds() -> None:
    async with open_grpc(wait_s=0.1) as door:
        door.service.provider_is_silent = True
        assert not (await door.ask("CreatePayment", CREATE, timeout_s=None)).settled


async def test_without_anything_to_read_the_accepted_payment_is_named(door: GrpcDoor) -> None:
    door.service.reader_is_away = door.service.provider_is_silent = True
    told = await door.ask("CreatePayment", pb.CreatePaymentRequest(**PAYMENT, wait=Duration()))
    assert told.payment.id == door.service.appended[0].origin.payment_id
    assert (told.payment.status, told.payment.sequence) == (pb.PAYMENT_STATUS_PROCESSING, 0)


async def test_a_call_that_is_given_up_leaves_its_command_and_nothing_else(door: GrpcDoor) -> None:
    door.service.provider_is_silent = True
    call = door.start("CreatePayment", CREATE)
    await until(lambda: door.service.waiters == 1)
    assert door.count("millrace_grpc_requests_in_flight") == 1
    call.cancel()
    await until(lambda: door.service.waiters == 0)
    await until(lambda: door.count("millrace_grpc_requests_in_flight") == 0)
    assert door.count("millrace_grpc_requests_total", method="CreatePayment", code="CANCELLED") == 1
    door.service.settle(door.service.appended[0])
    assert (await door.pay()).payment.status == pb.PAYMENT_STATUS_CAPTURED
    assert len(door.service.transactions) == 1


async def test_a_watcher_who_leaves_is_forgotten(door: GrpcDoor) -> None:
    made = await door.pay()
    watch = door.start("WatchPayment", pb.WatchPaymentRequest(payment_id=made.payment.id), timeout_s=None)
    await watch.read()
    await until(lambda: len(door.service.listeners) == 1)
    watch.cancel()
    await until(lambda: not door.service.listeners)
    await until(lambda: door.count("millrace_grpc_watches") == 0)


async def test_too_many_inside_are_turned_away() -> None:
    async with open_grpc(requests_max=2, watches_max=1) as door:
        made = await door.pay()
        watched = pb.WatchPaymentRequest(payment_id=made.payment.id)
        watch = door.start("WatchPayment", watched)
        await watch.read()
        told = await door.refused("WatchPayment", watched)
        assert (told.status, told.code) == (grpc.StatusCode.UNAVAILABLE, "unavailable")
        door.service.provider_is_silent = True
        waits = [asyncio.ensure_future(door.pay(f"k{n}")) for n in range(2)]  # a watcher takes nobody's place
        await until(lambda: door.service.waiters == 2)
        told = await door.refused("CreatePayment", CREATE, "k3")
        assert (told.status, told.code) == (grpc.StatusCode.UNAVAILABLE, "unavailable")
        assert told.retry_s is not None
        for command in door.service.appended[1:]:
            door.service.settle(command)
        assert all(each.settled for each in await asyncio.gather(*waits))
        watch.cancel()
        await until(lambda: door.count("millrace_grpc_watches") == 0)
        assert (await door.ask("WatchPayment", watched)).event.sequence == 1


async def test_one_merchant_does_not_take_everybodys_streams() -> None:
    async with open_grpc(watches_max=3, watches_of_one_max=1) as door:
        made = await door.pay()
        watched = pb.WatchPaymentRequest(payment_id=made.payment.id)
        watch = door.start("WatchPayment", watched)
        await watch.read()
        told = await door.refused("WatchPayment", watched)
        assert (told.status, told.code) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "rate_limited")
        assert told.retry_s is not None
        for same in (READ_ONLY_KEY, f"  {KEY}"):  # other keys or spaces make nobody another
            assert (await door.refused("WatchPayment", watched, key=same)).code == "rate_limited"
        others = await door.ask("CreatePayment", CREATE, key=OTHER_KEY)
        theirs = pb.WatchPaymentRequest(payment_id=others.payment.id)
        assert (await door.ask("WatchPayment", theirs, key=OTHER_KEY)).event.sequence == 1
        watch.cancel()
        await until(lambda: door.count("millrace_grpc_watches") == 0)
        assert (await door.ask("WatchPayment", watched)).event.sequence == 1


async def test_a_message_that_does_not_come_is_not_waited_for() -> None:
    async with open_grpc(message_read_max_s=0.1) as door:

        async def never() -> AsyncIterator[bytes]:
            await asyncio.sleep(WITHIN_S)
            yield b""

        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await door.channel.stream_unary(GET)(never(), timeout=WITHIN_S, metadata=OURS)
        assert refusal(refused.value).code == "request_timeout"


async def test_who_says_nothing_takes_no_place(door: GrpcDoor) -> None:
    """Neither without a key, nor all of them with one."""
    silent = door.channel.stream_unary(GET)()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await asyncio.wait_for(silent, WITHIN_S)
    assert refusal(refused.value).code == "unauthenticated"


async def test_one_merchant_does_not_take_everybodys_places() -> None:
    async with open_grpc(requests_max=3, requests_of_one_max=1) as door:
        silent = door.channel.stream_unary(GET)(metadata=OURS)
        await until(lambda: door.count("millrace_grpc_requests_in_flight") == 1)
        assert (await door.refused("CreatePayment", CREATE)).code == "rate_limited"
        assert (await door.ask("CreatePayment", CREATE, key=OTHER_KEY)).settled
        silent.cancel()


@pytest.mark.parametrize(
    ("method", "most"),
    [
        ("/grpc.health.v1.Health/Check", "web.grpc.health.CHECKS_MAX"),
        ("/grpc.health.v1.Health/Watch", "web.grpc.health.WATCHES_MAX"),
        (f"/{server.REFLECTION[0]}/ServerReflectionInfo", "web.grpc.server.REFLECTIONS_MAX"),
    ],
)
async def test_calls_that_need_no_key_are_bounded_by_themselves(
    monkeypatch: pytest.MonkeyPatch, method: str, most: str
) -> None:
    """Also those that say nothing: gRPC bounds all calls together, and refuses then what is paid."""
    monkeypatch.setattr(most, 2)
    async with open_grpc() as door:
        held = [door.channel.stream_stream(method)() for _ in range(3)]
        ended = [asyncio.ensure_future(each.code()) for each in held]
        done, _ = await asyncio.wait(ended, timeout=WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
        assert [each.result() in TURNED_AWAY for each in done] == [True]
        for each in held:
            each.cancel()


async def test_a_probe_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.grpc.health.ASKED_WITHIN_S", 0.05)
    monkeypatch.setattr("web.grpc.server.REFLECTION_MAX_S", 0.05)
    async with open_grpc() as door:
        for method in ("/grpc.health.v1.Health/Watch", f"/{server.REFLECTION[0]}/ServerReflectionInfo"):
            silent = door.channel.stream_stream(method)()
            ended = await asyncio.wait_for(silent.code(), WITHIN_S)
            assert ended in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED)


async def test_a_client_cannot_open_all_the_files_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {"grpc.max_allowed_incoming_connections": 1}
    options = [(name, few.get(name, value)) for name, value in server.OPTIONS]
    assert options != list(server.OPTIONS)
    monkeypatch.setattr(server, "OPTIONS", options)
    async with open_grpc() as door:
        assert (await door.pay()).settled  # by the one that may be open
        reader, writer = await asyncio.open_connection("127.0.0.1", door.serving.port)
        assert await asyncio.wait_for(reader.read(), WITHIN_S) == b""
        writer.close()


async def test_a_connection_that_says_nothing_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = {"grpc.server_handshake_timeout_ms": 200}
    options = [(name, quick.get(name, value)) for name, value in server.OPTIONS]
    assert options != list(server.OPTIONS)
    monkeypatch.setattr(server, "OPTIONS", options)
    async with open_grpc() as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.serving.port)
        await asyncio.wait_for(reader.read(), WITHIN_S)
        writer.close()


async def test_a_call_without_a_message_is_told_so(door: GrpcDoor) -> None:
    async def nothing() -> AsyncIterator[bytes]:
        for message in list[bytes]():
            yield message

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await door.channel.stream_unary(GET)(nothing(), timeout=WITHIN_S, metadata=OURS)
    assert refusal(refused.value).code == "malformed_request"


async def test_a_closing_door_cuts_waits_short_and_lets_watchers_go() -> None:
    async with open_grpc(drain_s=4) as door:
        made = await door.pay()
        watch = door.start("WatchPayment", pb.WatchPaymentRequest(payment_id=made.payment.id))
        await watch.read()
        door.service.provider_is_silent = True
        waits = [asyncio.ensure_future(door.pay(f"k{n}")) for n in range(10)]
        await until(lambda: door.service.waiters == 10)
        began = time.monotonic()
        draining = asyncio.create_task(door.serving.drain())
        told = await left(watch)
        assert told.code == "unavailable" and told.retry_s is not None
        assert time.monotonic() - began < 2.5
        assert not any(answer.settled for answer in await asyncio.gather(*waits))
        await draining
        assert time.monotonic() - began < 10
        assert len(door.service.appended) == 11
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await door.pay("after")
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_closing_door_still_answers_what_gets_its_answer() -> None:
    async with open_grpc(drain_s=10) as door:
        door.service.provider_is_silent = True
        wait = asyncio.ensure_future(door.pay())
        await until(lambda: door.service.waiters == 1)
        draining = asyncio.create_task(door.serving.drain())
        await asyncio.sleep(0.05)
        door.service.settle(door.service.appended[0])
        assert (await wait).settled
        began = time.monotonic()
        await draining
        assert time.monotonic() - began < 8


async def test_a_port_that_is_taken_is_not_shared(door: GrpcDoor) -> None:
    with pytest.raises(OSError, match="cannot listen"):
        async with open_grpc(port=door.serving.port):
            pass


async def left(watch: Any) -> Any:
    """How the stream ended."""
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        while True:
            await watch.read()
    return refusal(ended.value)


async def test_a_revoked_key_ends_what_it_watches(door: GrpcDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.watching.LOOK_AGAIN_S", 0.05)
    made = await door.pay()
    watch = door.start("WatchPayment", pb.WatchPaymentRequest(payment_id=made.payment.id))
    await watch.read()
    monkeypatch.delitem(PRINCIPALS, KEY)
    assert (await left(watch)).code == "unauthenticated"
