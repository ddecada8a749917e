"""The .proto: nothing in it changes that clients were built from, and it shows what REST shows and takes what REST takes."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto
from pydantic import BaseModel

from models import shapes
from models.payment import PaymentStatus
from models.provider import RefundStatus
from models.terms import CaptureMethod
from web import shown as rest
from web.bodies import BODIES
from web.grpc import payments_pb2 as pb
from web.grpc import stubs
from web.grpc.messages import OURS, shown, words

PUBLISHED = Path(__file__).parent / "published.txt"
BY_ITS_TYPE = {"object"}
"""What a message's type says already."""

ANSWERS: dict[type[BaseModel], Any] = {
    rest.Payment: pb.Payment,
    rest.Refund: pb.Refund,
    rest.Decline: pb.Decline,
    rest.Dispute: pb.Dispute,
    rest.Provider: pb.Provider,
    rest.PaymentEvent: pb.PaymentEvent,
    rest.Cause: pb.Cause,
}
REQUESTS: dict[str, Any] = {
    shapes.CREATE: pb.CreatePaymentRequest,
    shapes.CAPTURE: pb.CapturePaymentRequest,
    shapes.CANCEL: pb.CancelPaymentRequest,
    shapes.REFUND: pb.CreateRefundRequest,
}


def lines() -> Iterator[str]:
    """Everything a client was built from, one a line."""
    file = pb.DESCRIPTOR
    for service in file.services_by_name.values():
        for method in service.methods:
            stream = "stream " if method.server_streaming else ""
            asked, told = method.input_type.full_name, method.output_type.full_name
            yield f"rpc {service.full_name}.{method.name} {asked} -> {stream}{told}"
    for message in file.message_types_by_name.values():
        for field in message.fields:
            yield f"field {message.full_name} {field.number} {field.name}: {typed(field)}"
    for enum in file.enum_types_by_name.values():
        for value in enum.values:
            yield f"value {enum.full_name} {value.number} {value.name}"


def typed(field: FieldDescriptor) -> str:
    kind = field.message_type or field.enum_type
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return "map<{}, {}>".format(*(typed(part) for part in field.message_type.fields))
    name = FieldDescriptorProto.Type.Name(field.type)[len("TYPE_") :].lower()  # type: ignore[arg-type]
    has_presence = field.has_presence and field.message_type is None
    return ("repeated " if field.is_repeated else "optional " if has_presence else "") + (
        kind.full_name if kind is not None else name
    )


def test_what_was_published_is_there_unchanged() -> None:
    published, now = PUBLISHED.read_text().splitlines(), list(lines())
    assert not set(published) - set(now), "clients were built from these lines: they may not change"
    assert not set(now) - set(published), f"new in the .proto: add these lines to {PUBLISHED.name}"
    assert len(published) == len(set(published))


def test_the_messages_are_made_from_the_committed_proto() -> None:
    assert all(path.stat().st_mtime >= stubs.PROTO.stat().st_mtime for path in stubs.MADE)


@pytest.mark.parametrize("model", ANSWERS)
def test_a_message_shows_all_that_rest_shows(model: type[BaseModel]) -> None:
    message = ANSWERS[model].DESCRIPTOR
    assert set(message.fields_by_name) == set(model.model_fields) - BY_ITS_TYPE
    told = shown(ANSWERS[model], filled(model))
    assert [name for name in message.fields_by_name if not getattr(told, name)] == []


@pytest.mark.parametrize("type", REQUESTS)
def test_a_request_takes_all_that_a_body_takes(type: str) -> None:
    given = {name for name in REQUESTS[type].DESCRIPTOR.fields_by_name if name not in OURS}
    assert given == set(BODIES[type].model_fields) == set(shapes.FIELDS[type])


def test_what_is_not_given_can_be_told_from_nothing() -> None:
    for request in REQUESTS.values():
        for field in request.DESCRIPTOR.fields:
            assert field.has_presence or field.is_repeated or field.name in OURS, field.full_name


@pytest.mark.parametrize(
    ("enum", "known"),
    [
        (pb.PaymentStatus, set(PaymentStatus)),
        (pb.RefundStatus, set(RefundStatus)),
        (pb.CaptureMethod, set(CaptureMethod)),
        (pb.DeclineAdvice, set(get_args(get_args(rest.Decline.model_fields["advice"].annotation)[0]))),
    ],
)
def test_enums_have_the_words_of_every_door(enum: Any, known: set[StrEnum | str]) -> None:
    assert set(words(enum.DESCRIPTOR)) == {str(word) for word in known}


def test_a_word_that_is_not_known_yet_loses_nobody_the_rest() -> None:
    told = shown(pb.Payment, {"id": "pay_1", "status": "paid_by_magic"})
    assert (told.id, told.status) == ("pay_1", pb.PAYMENT_STATUS_UNSPECIFIED)


def test_whoever_prints_messages_is_told_that_the_customers_secret_is_one() -> None:
    assert pb.Payment.DESCRIPTOR.fields_by_name["client_secret"].GetOptions().debug_redact


def filled(model: type[BaseModel]) -> dict[str, Any]:
    """A view with something in every member."""
    return {name: example(field.annotation) for name, field in model.model_fields.items()}


def example(kind: Any) -> Any:
    options = [each for each in get_args(kind) if each is not type(None)]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return filled(kind)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return next(iter(kind)).value
    plain = {str: "x", int: 7, bool: True, datetime: "2026-01-31T12:00:00.000Z"}
    if kind in plain:
        return plain[kind]
    origin = getattr(kind, "__origin__", None)
    if origin is list:
        return [example(options[0])]
    if origin is dict:
        return {"name": "value"}
    if isinstance(options[0], str):  # a Literal
        return options[0]
    return example(options[0])
