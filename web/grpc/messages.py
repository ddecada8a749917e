"""Messages and what they stand for: views become answers, requests become the bodies and queries that every door hands over.

Both ways follow the .proto, field by field: a name is the same here and there, a word of an enum is its value's name without
what all of them begin with. Nothing is checked here: that is the same for all doors.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, TypeVar

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from models.ports import View
from web.reading import Query

OURS = frozenset({"payment_id", "refund_id", "wait"})
"""Fields that say of what, and how long to wait: no members of the body."""

UNSPECIFIED = 0
_NO_TIME = "beyond what a time can be"
_NANOS = 1_000_000_000

Made = TypeVar("Made", bound=Message)


def shown(kind: type[Made], view: View) -> Made:
    """`view` as a message. What is null or not there is left out; what the message has no field for, too."""
    given = {
        name: read(view[name])
        for name, read in _readers(kind.DESCRIPTOR).items()
        if view.get(name) is not None
    }
    return kind(**given)


def body(request: Message) -> dict[str, Any]:
    """What was given, as the members of a JSON body would be."""
    return {field.name: _plain(field, value) for field, value in _given(request) if field.name not in OURS}


def query(request: Message) -> Query:
    """What was given, as the pairs of a query string would be."""
    pairs: list[tuple[str, str]] = []
    for field, value in _given(request):
        plain = _plain(field, value)
        if isinstance(plain, Mapping):
            pairs += [(f"{field.name}[{name}]", wanted) for name, wanted in plain.items()]
        else:
            pairs.append((field.name, str(plain)))
    return pairs


def seconds(duration: Duration) -> float:
    return duration.seconds + duration.nanos / _NANOS


@cache
def words(enum: EnumDescriptor) -> Mapping[str, int]:
    """The words that every door uses, and their numbers."""
    begin = len(enum.values_by_number[UNSPECIFIED].name) - len("UNSPECIFIED")
    return {value.name[begin:].lower(): value.number for value in enum.values if value.number != UNSPECIFIED}


@cache
def _readers(message: Descriptor) -> Mapping[str, Callable[[Any], Any]]:
    return {field.name: _reader(field) for field in message.fields}


def _reader(field: FieldDescriptor) -> Callable[[Any], Any]:
    if field.enum_type is not None:
        numbers = words(field.enum_type)
        return lambda word: numbers.get(word, UNSPECIFIED)
    if field.message_type is None or field.message_type.GetOptions().map_entry:
        return lambda value: value
    read = _READ.get(field.message_type.full_name) or _nested(field.message_type)
    return (lambda views: [read(view) for view in views]) if field.is_repeated else read


def _nested(message: Descriptor) -> Callable[[View], Message]:
    kind = GetMessageClass(message)
    return lambda view: shown(kind, view)


def _time(written: str) -> Timestamp:
    at = Timestamp()
    at.FromJsonString(written)
    return at


def _struct(view: View) -> Struct:
    struct = Struct()
    struct.update(view)
    return struct


_READ: dict[str, Callable[[Any], Message]] = {
    Timestamp.DESCRIPTOR.full_name: _time,
    Struct.DESCRIPTOR.full_name: _struct,
}


def _given(request: Message) -> Iterable[tuple[FieldDescriptor, Any]]:
    """An enum's zero says that nothing was chosen, even where it was written out."""
    return (
        (field, value)
        for field, value in request.ListFields()
        if field.enum_type is None or value != UNSPECIFIED
    )


def _plain(field: FieldDescriptor, value: Any) -> Any:
    if field.enum_type is not None:
        return next((word for word, number in words(field.enum_type).items() if number == value), str(value))
    if isinstance(value, Timestamp):
        return _written(value)
    return dict(value) if field.is_repeated else value


def _written(at: Timestamp) -> str:
    try:
        return at.ToJsonString()
    except ValueError:
        return _NO_TIME
