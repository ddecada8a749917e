"""gRPC on the real system: both web processes, HTTP beside it, events as Kafka tells them, and a process that is told to stop."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict

from tests.system.history import OK, History
from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.simulator import SimulatorControl
from tests.system.stack import BACK_WITHIN_S, System
from tests.system.waiting import until
from tests.web.grpc.door import refusal
from web.grpc import payments_pb2 as pb
from web.grpc.calls import SERVICE
from web.grpc.messages import shown

pytestmark = pytest.mark.real

WITHIN_S = 20.0
ASKED: dict[str, Any] = {"amount": 1999, "currency": "usd", "payment_method": "pm_card_visa"}


class GrpcClient:
    """Of one merchant, at each door; what it makes is in the history like everybody's."""

    def __init__(self, system: System, history: History) -> None:
        self._history, self._merchant = history, system.merchants[0]
        self.channels = [grpc.aio.insecure_channel(address) for address in system.service.grpc_doors]

    def start(self, door: int, name: str, request: Any, key: str = "", timeout_s: float = WITHIN_S) -> Any:
        """The call, begun."""
        method = SERVICE.methods_by_name[name]
        channel: Any = self.channels[door]
        kind = channel.unary_stream if method.server_streaming else channel.unary_unary
        answer = getattr(pb, method.output_type.name).FromString
        call = kind(f"/{SERVICE.full_name}/{name}", type(request).SerializeToString, answer)
        own = (("authorization", f"Bearer {self._merchant['api_key']}"), ("idempotency-key", key))
        return call(request, metadata=own, timeout=timeout_s)

    async def pay(self, door: int, key: str, timeout_s: float = WITHIN_S, **more: Any) -> Any:
        asked = ASKED | more
        words = {1: "automatic", 2: "manual"}
        body = asked | ({"capture_method": words[more["capture_method"]]} if "capture_method" in more else {})
        told = self._history.begin("grpc", "create", self._merchant["id"], key, body)
        paid = await self.start(door, "CreatePayment", pb.CreatePaymentRequest(**asked), key, timeout_s)
        told.answer = {"id": paid.payment.id}
        self._history.end(told, OK)
        return paid

    async def capture(self, door: int, payment_id: str, key: str) -> Any:
        told = self._history.begin("grpc", "capture", self._merchant["id"], key, {}, payment_id)
        captured = await self.start(
            door, "CapturePayment", pb.CapturePaymentRequest(payment_id=payment_id), key
        )
        self._history.end(told, OK)
        return captured


@pytest.fixture
async def client(system: System, history: History, stripe: SimulatorControl) -> AsyncIterator[GrpcClient]:
    await until(system.service.is_whole, BACK_WITHIN_S, "all doors are open")
    client = GrpcClient(system, history)
    yield client
    for channel in client.channels:
        await channel.close()


async def test_one_key_is_one_payment_at_every_door_and_in_every_language(
    client: GrpcClient, http: HttpClient, inquest: Inquest
) -> None:
    paid = await client.pay(0, "grpc-1", metadata={"order": "6737"})
    assert paid.settled and not paid.replayed
    again = await client.pay(1, "grpc-1", metadata={"order": "6737"})
    assert again.replayed and again.payment == paid.payment
    over_http = await http.create("grpc-1", metadata={"order": "6737"})
    assert over_http.headers["Idempotent-Replayed"] == "true"
    assert shown(pb.Payment, over_http.answer) == paid.payment
    await inquest.hold()


async def test_a_watcher_at_another_door_sees_each_event_as_rest_tells_it(
    client: GrpcClient, http: HttpClient, inquest: Inquest
) -> None:
    made = await client.pay(0, "grpc-watched", capture_method=pb.CAPTURE_METHOD_MANUAL)
    watch = client.start(1, "WatchPayment", pb.WatchPaymentRequest(payment_id=made.payment.id))
    told = [await watch.read() for _ in range(2)]
    await client.capture(0, made.payment.id, "grpc-captured")
    while told[-1].event.type != "payment.captured.v1":  # an authorisation may be told twice before it
        told.append(await watch.read())
    watch.cancel()
    await inquest.hold()
    _, story = await http.get(f"/v1/payments/{made.payment.id}/events")
    assert [each.event for each in told] == [shown(pb.PaymentEvent, event) for event in story["data"]]
    assert [each.event.type for each in told][-2:] == ["payment.capture_requested.v1", "payment.captured.v1"]
    assert told[-1].payment.status == pb.PAYMENT_STATUS_CAPTURED
    assert MessageToDict(told[-1].event.data) == story["data"][-1]["data"] != {}


async def test_a_deadline_is_answered_with_what_is_known_and_the_command_goes_on(
    client: GrpcClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    await stripe.plan({"kind": "delay_before", "endpoint": "payment_intents.create", "ms": 1_500, "count": 1})
    began = time.monotonic()
    hurried = await client.pay(0, "grpc-hurried", timeout_s=1.0)
    assert time.monotonic() - began < 1.0
    assert not hurried.settled and hurried.payment.status == pb.PAYMENT_STATUS_PROCESSING
    assert (await client.pay(1, "grpc-hurried")).payment.status == pb.PAYMENT_STATUS_CAPTURED
    await inquest.hold()


async def test_a_door_that_is_told_to_stop_answers_and_lets_watchers_go_on_elsewhere(
    system: System, client: GrpcClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    made = await client.pay(0, "grpc-drained-watched")
    watch = client.start(1, "WatchPayment", pb.WatchPaymentRequest(payment_id=made.payment.id))
    seen = (await watch.read()).event.sequence
    await stripe.plan({"kind": "delay_before", "endpoint": "payment_intents.create", "ms": 1_000, "count": 1})
    paying = asyncio.ensure_future(client.pay(1, "grpc-drained"))
    await asyncio.sleep(0.3)
    pid = system.service.signal("web-1", signal.SIGTERM)
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        while True:
            seen = (await watch.read()).event.sequence
    assert refusal(ended.value).code == "unavailable"
    assert (await paying).payment.id
    elsewhere = client.start(
        0, "WatchPayment", pb.WatchPaymentRequest(payment_id=made.payment.id, after_sequence=seen - 1)
    )
    assert (await elsewhere.read()).event.sequence == seen
    elsewhere.cancel()
    await until(lambda: system.service.has_replaced("web-1", pid), BACK_WITHIN_S, "the door is back")
    assert (await client.pay(0, "grpc-drained")).payment.status == pb.PAYMENT_STATUS_CAPTURED
    await inquest.hold()
