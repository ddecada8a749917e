"""A client that knows nothing of the .proto pays: as grpcurl does, from what the server's reflection tells."""

from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse

from tests.web.fakes import PAYMENT
from tests.web.grpc.door import WITHIN_S, GrpcDoor
from tests.web.service import KEY
from web.grpc.server import REFLECTION


class Stranger:
    """Has the reflection protocol, a channel, and a pool of its own, empty at first."""

    def __init__(self, door: GrpcDoor, protocol: str) -> None:
        self._channel, self._pool, self._known = door.channel, DescriptorPool(), set[str]()
        self._reflect = door.channel.stream_stream(
            f"/{protocol}/ServerReflectionInfo",
            ServerReflectionRequest.SerializeToString,
            ServerReflectionResponse.FromString,
        )

    async def ask(self, **what: Any) -> ServerReflectionResponse:
        async def one() -> AsyncIterator[ServerReflectionRequest]:
            yield ServerReflectionRequest(**what)

        [told] = [told async for told in self._reflect(one(), timeout=WITHIN_S)]
        return told

    async def services(self) -> list[str]:
        told = await self.ask(list_services="")
        return [service.name for service in told.list_services_response.service]

    async def learn(self, symbol: str) -> None:
        told = await self.ask(file_containing_symbol=symbol)
        await self._add(told.file_descriptor_response.file_descriptor_proto)

    async def _add(self, files: Iterable[bytes]) -> None:
        for content in files:
            file = FileDescriptorProto.FromString(content)
            if file.name in self._known:
                continue
            self._known.add(file.name)
            for needed in file.dependency:
                told = await self.ask(file_by_filename=needed)
                await self._add(told.file_descriptor_response.file_descriptor_proto)
            self._pool.Add(file)

    async def call(self, service: str, name: str, body: dict[str, Any], **metadata: str) -> dict[str, Any]:
        method = self._pool.FindServiceByName(service).methods_by_name[name]
        request, answer = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
        call = self._channel.unary_unary(f"/{service}/{name}", request.SerializeToString, answer.FromString)
        told = await call(ParseDict(body, request()), metadata=tuple(metadata.items()), timeout=WITHIN_S)
        return MessageToDict(told, preserving_proto_field_name=True)


@pytest.mark.parametrize("protocol", REFLECTION)
async def test_a_client_without_stubs_pays(door: GrpcDoor, protocol: str) -> None:
    stranger = Stranger(door, protocol)
    services = await stranger.services()
    assert {"millrace.v1.Payments", "grpc.health.v1.Health"} < set(services)
    await stranger.learn("millrace.v1.Payments")
    headers = {"authorization": f"Bearer {KEY}", "idempotency-key": "by-reflection"}
    paid = await stranger.call("millrace.v1.Payments", "CreatePayment", PAYMENT, **headers)
    assert paid["settled"] is True
    assert paid["payment"]["status"] == "PAYMENT_STATUS_CAPTURED"
    assert paid["payment"]["amount"] == "1999"
    assert list(door.service.transactions) == [paid["payment"]["id"]]


async def test_every_service_that_is_listed_is_described_or_is_reflection_itself(door: GrpcDoor) -> None:
    stranger = Stranger(door, REFLECTION[0])
    for service in await stranger.services():
        told = await stranger.ask(file_containing_symbol=service)
        assert told.HasField("file_descriptor_response") or service == REFLECTION[0]
