"""Batches as a broker hands them over, made by aiokafka and then marred: every record of them is read."""

import struct
from typing import Any

import pytest
from aiokafka.consumer import fetcher
from aiokafka.record._crc32c import crc
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from streams.delivery.header_names import ReadableRecords

CRC_AT, ATTRIBUTES_AT = 17, 21  # Source: Kafka, protocol, record batch


def batch(first_offset: int, *names: str, compression: int = 0) -> bytearray:
    builder = DefaultRecordBatchBuilder(2, compression, 0, -1, -1, -1, 1 << 20)
    for n, name in enumerate(names):
        builder.append(n, timestamp=0, key=b"k", value=b"%d" % n, headers=[(name, b"x"), ("ce_id", None)])
    made = bytearray(builder.build())
    struct.pack_into(">q", made, 0, first_offset)
    return made


def marred(made: bytearray) -> bytearray:
    at = made.index(b"ZZZZ")
    made[at : at + 4] = b"\xff\xfeok"
    struct.pack_into(">I", made, CRC_AT, crc(bytes(made[ATTRIBUTES_AT:])))
    return made


def read(data: bytes) -> list[Any]:
    records = ReadableRecords(data)
    found = []
    while records.has_next():
        batch = records.next_batch()
        assert batch is not None
        assert batch.validate_crc()
        found += [(record.offset, record.value, record.headers[0][0]) for record in batch]
    return found


def test_a_name_that_is_not_utf_8_is_written_in_escapes_and_no_record_around_it_is_lost() -> None:
    data = bytes(batch(0, "a") + marred(batch(1, "b", "ZZZZ", "d")) + batch(4, "e"))
    assert read(data) == [
        (0, b"0", "a"),
        (1, b"0", "b"),
        (2, b"1", "\\xff\\xfeok"),
        (3, b"2", "d"),
        (4, b"0", "e"),
    ]


def test_aiokafka_itself_still_raises_for_it() -> None:
    from aiokafka.record.memory_records import MemoryRecords

    with pytest.raises(UnicodeDecodeError):
        list(MemoryRecords(bytes(marred(batch(0, "ZZZZ")))).next_batch())


def test_compressed_batches_are_read_as_before() -> None:
    assert read(bytes(batch(7, "a", "b", compression=1))) == [(7, b"0", "a"), (8, b"1", "b")]


def test_the_fetcher_reads_by_it() -> None:
    assert fetcher.MemoryRecords is ReadableRecords
