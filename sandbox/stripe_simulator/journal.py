"""The append-only file: one line per change, written to the operating system before its answer leaves.

A line is a JSON object, and after a tab the answer's body where one is stored under an idempotency key: the body stays
on disk and is read back only for a replay, so that memory does not grow with it. A line without its end is a write cut
short by a kill: no answer had left for it, and it is cut off at the next start. What the lines mean is `books`' business.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import orjson

from .records import JSON

READ_BYTES = 8 << 20  # per read while reloading


class Journal:
    """One open journal; without a path it lives in an unnamed temporary file."""

    def __init__(self, path: Path | None) -> None:
        if path is None:
            self.fd, name = tempfile.mkstemp(prefix="stripe-simulator-")
            Path(name).unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self.size_bytes = os.fstat(self.fd).st_size

    def append(self, change: JSON, body: bytes | None = None) -> int:
        """Writes the line; the offset of the body in the file."""
        head = orjson.dumps(change)
        line = head + b"\t" + body + b"\n" if body is not None else head + b"\n"
        offset = self.size_bytes + len(head) + 1
        view = memoryview(line)
        while view:
            view = view[os.write(self.fd, view) :]
        self.size_bytes += len(line)
        return offset

    def read_body(self, offset: int, length: int) -> bytes:
        return os.pread(self.fd, length, offset)

    def reload(self) -> Iterator[tuple[JSON, int, int]]:
        """Each whole line's change, with offset and length of its body; then cuts off a torn tail."""
        end = 0
        for start, line in self._lines():
            head, _, body = line.partition(b"\t")
            yield orjson.loads(head), start + len(head) + 1, len(body)
            end = start + len(line) + 1
        if end < self.size_bytes:
            os.ftruncate(self.fd, end)
            self.size_bytes = end

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        offset, rest = 0, b""
        position = 0
        while block := os.pread(self.fd, READ_BYTES, position):
            position += len(block)
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                yield offset, line
                offset += len(line) + 1

    def close(self) -> None:
        os.close(self.fd)
