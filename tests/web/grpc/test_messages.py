"""Messages that are none, or too large, compressed, or of another method: refused, with nothing of them told."""

import struct

import grpc
import pytest

from tests.web.fakes import PAYMENT
from tests.web.grpc.door import GrpcDoor
from tests.web.service import KEY
from web.grpc import payments_pb2 as pb
from web.grpc.calls import SERVICE
from web.json_bodies import BODY_MAX_BYTES


def field(number: int, kind: int, content: bytes) -> bytes:
    """One field as it is on the wire. Source: protobuf.dev/programming-guides/encoding."""
    return bytes([number << 3 | kind]) + content


NOT_MESSAGES = {
    "noise": b"\xff" * 50,
    "cut": pb.CreatePaymentRequest(**PAYMENT).SerializeToString()[:-3],
    "a lone surrogate": field(2, 2, b"\x03\xed\xa0\x80"),
    "a card number that is not text": field(5, 2, b"\x114242424242424242\xff"),
    "a number of more than 64 bits": field(1, 0, b"\xff" * 11),
    "a group without end": field(13, 3, b""),
    "very many nested groups": field(13, 3, b"") * 100_000,
}


@pytest.mark.parametrize("message", NOT_MESSAGES.values(), ids=NOT_MESSAGES)
async def test_what_is_no_message_is_told_so(door: GrpcDoor, message: bytes) -> None:
    told = await door.refused("CreatePayment", message)
    assert (told.status, told.code) == (grpc.StatusCode.INVALID_ARGUMENT, "malformed_request")
    assert told.detail == "The message is no CreatePaymentRequest."


async def test_a_message_may_be_so_large_and_no_larger(door: GrpcDoor) -> None:
    known = pb.CreatePaymentRequest(**PAYMENT).SerializeToString()

    def of_size(bytes_: int) -> bytes:
        """With a field that nobody knows."""
        room = bytes_ - len(known) - 5
        length = bytes([room & 0x7F | 0x80, room >> 7 & 0x7F | 0x80, room >> 14])
        message = known + b"\xfa\x01" + length + b"x" * room
        assert len(message) == bytes_
        return message

    assert (await door.ask("CreatePayment", of_size(BODY_MAX_BYTES))).settled
    told = await door.refused("CreatePayment", of_size(BODY_MAX_BYTES + 1), "other")
    assert (told.status, told.code) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "payload_too_large")
    with pytest.raises(grpc.aio.AioRpcError) as refused:  # gRPC itself, before it is in memory as a whole
        await door.ask("CreatePayment", of_size(1024 * 1024), "other")
    assert "larger than max" in str(refused.value.details())
    assert len(door.service.appended) == 1


async def test_metadata_may_not_grow_without_end(door: GrpcDoor) -> None:
    for name in ("x-large", "authorization"):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await door.ask("ListPayments", pb.ListPaymentsRequest(), more=((name, "x" * 20_000),))
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_compressed_message_is_not_unpacked(door: GrpcDoor) -> None:
    ask = door.method("CreatePayment")
    metadata = (("authorization", f"Bearer {KEY}"), ("idempotency-key", "z"))
    request = pb.CreatePaymentRequest(**PAYMENT | {"description": "0" * 1000})
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await ask(request, metadata=metadata, compression=grpc.Compression.Gzip)
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert not door.service.appended


async def test_what_the_server_does_not_know_is_ignored(door: GrpcDoor) -> None:
    newer = pb.CreatePaymentRequest(**PAYMENT).SerializeToString() + struct.pack("<BB", 13 << 3, 1)
    assert (await door.ask("CreatePayment", newer)).settled


async def test_there_is_no_other_method(door: GrpcDoor) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await door.channel.unary_unary(f"/{SERVICE.full_name}/PayTwice")(b"")
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
