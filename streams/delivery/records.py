"""What comes in, what goes out, and what can never be handled: the words every part of the delivery speaks.

Nothing here sends, waits or remembers.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from aiokafka.partitioner import murmur2

Headers = Sequence[tuple[str, bytes | None]]  # a header's value may be null, like a record's key and value

HEADER_FRAMING_BYTES = (
    6  # the lengths of a header's name and value; counted, for there may be a million of them
)
LARGEST_RECORD_BYTES = (
    900_000  # key + value + headers. Brokers refuse a batch above 1 MiB (max.message.bytes), and a
)
# refused batch fails its transaction, whose repetition would then stop every owner of the partition for good.


class Partition(NamedTuple):
    """A partition of a topic. Equal, as a tuple, to what Faust (`TP`) and aiokafka (`TopicPartition`) call it."""

    topic: str
    partition: int


class Record(Protocol):
    """A record as it came in: bytes, undecoded, since a decode error must never reach Faust (it would ack)."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp_ms(self) -> int:
        """Milliseconds since 1970; set by the broker where the topic says `LogAppendTime`."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Headers: ...


class Outgoing(NamedTuple):
    """A record to send. No partition: that of the record it comes from, for all topics have equally many."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    headers: Headers = ()


class Batch(NamedTuple):
    """What one poll brought of one partition: the value of one event in Faust's streams."""

    tp: Partition
    records: Sequence[Record]
    size_bytes: int
    follows: int | None  # the offset behind what was delivered before; None: the first since the last seek


class Poison(Exception):
    """This record can never be handled, whatever is tried: it goes to the dead letters, and the next one is taken."""

    def __init__(self, reason: str, code: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


OnState = Callable[[int, bytes, bytes | None], None]  # partition, key, value as kept (None: deleted)
OnRecovered = Callable[[int, "dict[bytes, bytes]"], None]  # partition, all that its table holds
OnLost = Callable[[int], None]  # partition
Settings = dict[str, Any]  # keyword arguments of an aiokafka client


def partition_of(key: bytes, partitions: int) -> int:
    """Where Java's default partitioner, and every client that follows it, puts `key`."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions


def size_bytes(key: bytes | None, value: bytes | None, headers: Headers = ()) -> int:
    """What a record weighs, without the few dozen bytes of its own framing."""
    named = sum(len(name.encode()) + len(what or b"") + HEADER_FRAMING_BYTES for name, what in headers)
    return len(key or b"") + len(value or b"") + named


def size_of(record: Record | Outgoing) -> int:
    """Headers and all: wherever the bytes of records are counted. It takes 1 µs where there are eight headers."""
    return size_bytes(record.key, record.value, record.headers)


def fitting(outgoing: Outgoing) -> Outgoing:
    """The record itself, if a broker would take it; else `Poison` for the record it comes from."""
    if (size := size_of(outgoing)) > LARGEST_RECORD_BYTES:
        raise Poison(f"leads to a record of {size} bytes on {outgoing.topic}", code="record_too_large")
    return outgoing
