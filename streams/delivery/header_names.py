"""Names of headers that are not UTF-8: aiokafka decodes them while it fetches, and raises before anybody sees the record.

Kafka takes them (to it they are bytes, and C clients send what they are given), so one such record ended every process
that fetched it, for good. Here a batch that aiokafka cannot read is read again with such names written in escapes;
every other batch goes the fast way. What a record means is not known here.
"""

from collections.abc import Iterator
from typing import Any

from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

OFFSET_BYTES, LENGTH_BYTES = 8, 4
"""Before a batch: its first offset, and how long the rest is. Source: Kafka, protocol, record batch."""


class ReadableRecords:
    """Stands for aiokafka's `MemoryRecords`."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._begins = 0
        self._records: Any = MemoryRecords(data)

    def size_in_bytes(self) -> int:
        return int(self._records.size_in_bytes())

    def has_next(self) -> bool:
        return bool(self._records.has_next())

    def next_batch(self) -> "ReadableBatch | None":
        batch = self._records.next_batch()
        if batch is None:
            return None
        begins, rest = self._begins, self._begins + OFFSET_BYTES + LENGTH_BYTES
        self._begins = rest + int.from_bytes(self._data[begins + OFFSET_BYTES : rest], "big")
        return ReadableBatch(batch, memoryview(self._data)[begins : self._begins])


class ReadableBatch:
    """Stands for aiokafka's batch, and is it but for the records."""

    def __init__(self, batch: Any, data: memoryview) -> None:
        self._batch, self._data = batch, data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        try:
            return iter(list(self._batch))
        except UnicodeDecodeError:
            return iter(list(_WithEscapes(self._data)))


class _WithEscapes(_DefaultRecordBatchPy):  # type: ignore[misc]
    """aiokafka's batch in Python, ten times slower, over bytes that decode whatever they are."""

    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _Forgiving(self._buffer)


class _Forgiving(bytearray):
    def __getitem__(self, at: Any) -> Any:
        part = super().__getitem__(at)
        return _Forgiving(part) if isinstance(at, slice) else part

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return super().decode(encoding, "backslashreplace")
