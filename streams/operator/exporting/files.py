"""Rows into a file: JSON lines or Parquet, under another name until it is whole. What is in them is decided elsewhere."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import orjson

from models.representation import rfc3339
from streams.operator import Refused

PARQUET = "parquet"  # else JSON lines
UNFINISHED = ".unfinished"
GROUP_ROWS = 10_000
"""Of a Parquet file's row group, which is gathered in memory: some 20 MB."""
NEEDED = (
    "Parquet needs pyarrow: `.venv/bin/pip install -r requirements/parquet.in` (170 MB); or write JSON lines"
)


@dataclass(frozen=True, slots=True)
class Row:
    """An event. `body`: its value on the topic."""

    id: str
    type: str
    payment: str
    merchant: str
    sequence: int
    at: datetime
    causation: str
    body: dict[str, Any]


Write = Callable[[Row], None]


@contextmanager
def writing(to: str, format: str) -> Iterator[Write]:
    """Raises Refused for a place where nothing can be written, or a format that cannot be had. What fails leaves no file."""
    if to == "-":
        if format == PARQUET:
            raise Refused("Parquet is written to a file, not to a pipe")
        yield _json_lines(sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    if Path(to).exists() and not Path(to).is_file():
        raise Refused(f"{to} is no file: it would be replaced by one")  # /dev/null, say
    unfinished = Path(
        f"{to}.{os.getpid()}{UNFINISHED}"
    )  # two that write the same file at once each have their own
    try:
        with unfinished.open("wb") as file:
            if format == PARQUET:
                with _parquet(file) as write:
                    yield write
            else:
                yield _json_lines(file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(to)
    except OSError as failed:
        raise Refused(f"{to} cannot be written: {failed.strerror or failed}") from None
    finally:
        unfinished.unlink(missing_ok=True)


def _json_lines(file: IO[bytes]) -> Write:
    def write(row: Row) -> None:
        file.write(orjson.dumps({**asdict(row), "at": rfc3339(row.at)}) + b"\n")

    return write


@contextmanager
def _parquet(file: IO[bytes]) -> Iterator[Write]:
    try:
        import pyarrow
        from pyarrow.parquet import ParquetWriter
    except ImportError:
        raise Refused(NEEDED) from None
    texts = {name: pyarrow.string() for name in Row.__slots__}
    kinds = {**texts, "sequence": pyarrow.int64(), "at": pyarrow.timestamp("ms", tz="UTC")}
    schema = pyarrow.schema(list(kinds.items()))
    group: list[dict[str, Any]] = []
    with ParquetWriter(file, schema, compression="zstd") as parquet:

        def flush() -> None:
            parquet.write_table(pyarrow.Table.from_pylist(group, schema=schema))
            group.clear()

        def write(row: Row) -> None:
            group.append({**asdict(row), "body": orjson.dumps(row.body).decode()})
            if len(group) == GROUP_ROWS:
                flush()

        yield write
        flush()
