"""Which payments are in doubt, by partition, and since when: for the gauges. Nothing is settled here."""

from collections import defaultdict


class Doubts:
    """Times in ms since 1970."""

    def __init__(self) -> None:
        self._since: defaultdict[int, dict[bytes, int]] = defaultdict(dict)

    def __len__(self) -> int:
        return sum(map(len, self._since.values()))

    def set(self, partition: int, key: bytes, since_ms: int | None) -> None:
        """None: it is not, or no longer."""
        if since_ms is None:
            self._since[partition].pop(key, None)
        else:
            self._since[partition][key] = since_ms

    def forget(self, partition: int) -> None:
        self._since.pop(partition, None)

    def oldest_s(self, now_s: float) -> float:
        """The age of the oldest, in seconds; 0 where nothing is in doubt."""
        oldest_ms = min((ms for since in self._since.values() for ms in since.values()), default=None)
        return max(0.0, now_s - oldest_ms / 1000) if oldest_ms is not None else 0.0
