"""What is due: for each partition, payments in the order in which they want to be looked after. No clock, no sending."""

import heapq
from collections import defaultdict


class DueIndex:
    """Times in ms since 1970. An entry that was overtaken by a newer one is dropped when it comes up."""

    def __init__(self) -> None:
        self._heaps: defaultdict[int, list[tuple[int, bytes]]] = defaultdict(list)
        self._due: defaultdict[int, dict[bytes, int]] = defaultdict(dict)

    def __len__(self) -> int:
        return sum(len(due) for due in self._due.values())

    def set(self, partition: int, key: bytes, at_ms: int | None) -> None:
        """`key` is due at `at_ms`, and at no other time; None: never."""
        if at_ms is None:
            self._due[partition].pop(key, None)
        elif self._due[partition].get(key) != at_ms:
            self._due[partition][key] = at_ms
            heapq.heappush(self._heaps[partition], (at_ms, key))

    def forget(self, partition: int) -> None:
        self._heaps.pop(partition, None)
        self._due.pop(partition, None)

    def pop(self, now_ms: int, most: int, again_ms: int) -> list[tuple[bytes, int]]:
        """At most `most` that are due, each with its time; each comes again at `again_ms` unless it is set anew. A partition
        that has had its turn is the last of the next one, so that none waits for another that always has something."""
        popped: list[tuple[bytes, int]] = []
        for partition in list(self._heaps):
            if len(popped) == most:
                break
            heap = self._heaps[partition] = self._heaps.pop(partition)
            due = self._due[partition]
            while heap and heap[0][0] <= now_ms and len(popped) < most:
                at_ms, key = heapq.heappop(heap)
                if due.get(key) == at_ms:
                    popped.append((key, at_ms))
                    self.set(partition, key, again_ms)
        return popped
