"""The writer's table: bytes to bytes, per partition, in memory; the changelog is what is kept of it.

What a step writes counts when the step has ended, so that a poisoned record leaves no trace. It is not Faust's table:
that one sends its changelog outside our transactions, and spends 100 bytes per key on remembering its partition.
Nothing here sends.
"""

from streams.delivery.records import LARGEST_RECORD_BYTES, Poison

POSITION = (
    b"\x00position"  # the changelog key that says up to where the source of this partition has been applied
)


Numbers = set[int]  # of partitions; `set` is a word of the table itself


class Table:
    """What a `step` sees of the partition of its record."""

    def __init__(self) -> None:
        self.partitions: dict[int, dict[bytes, bytes]] = {}
        self.rows: dict[bytes, bytes] = {}
        self.written: dict[bytes, bytes | None] = {}

    def get(self, key: bytes) -> bytes | None:
        """The state of this key, with what this step has written already."""
        return self.written[key] if key in self.written else self.rows.get(key)

    def set(self, key: bytes, value: bytes) -> None:
        if len(key) + len(value) > LARGEST_RECORD_BYTES:
            raise Poison(f"leads to a state of {len(value)} bytes", code="record_too_large")
        self._write(key, value)

    def delete(self, key: bytes) -> None:
        self._write(key, None)

    def _write(self, key: bytes, value: bytes | None) -> None:
        if key == POSITION:
            raise Poison("this key is reserved", code="reserved_key")
        self.written[key] = value

    def own(self, partitions: Numbers) -> Numbers:
        """Forget what was lost, make room for what is new; the partitions lost."""
        lost = self.partitions.keys() - partitions
        for partition in lost:
            del self.partitions[partition]
        for partition in partitions - self.partitions.keys():
            self.partitions[partition] = {}
        return lost

    def enter(self, partition: int) -> None:
        """The next steps are about this partition."""
        self.rows = self.partitions[partition]
        self.written = {}

    def keep(self) -> dict[bytes, bytes | None]:
        """The step has ended: what it wrote counts, and is returned."""
        written, self.written = self.written, {}
        for key, value in written.items():
            if value is None:
                self.rows.pop(key, None)
            else:
                # A copy of the exact size: serialisers return a slice of a larger buffer (4.2 kB kept for 176 B).
                written[key] = self.rows[key] = bytes(memoryview(value))
        return written

    def drop(self) -> None:
        """The step was poisoned: what it wrote never was."""
        self.written = {}
