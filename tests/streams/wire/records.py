"""Records as Kafka would hand them over, made from what we would send. Holds no tests."""

from dataclasses import dataclass, replace

from streams.delivery import Outgoing
from streams.delivery.records import Headers

APPENDED_MS = 1_790_000_000_000


@dataclass(frozen=True, slots=True)
class Received:
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers

    @property
    def timestamp(self) -> int:
        """As aiokafka's own records have it."""
        return self.timestamp_ms

    def without(self, header: str) -> "Received":
        return replace(self, headers=[(k, v) for k, v in self.headers if k != header])

    def having(self, header: str, value: bytes) -> "Received":
        return replace(self, headers=[*self.without(header).headers, (header, value)])


def received(sent: Outgoing, at_ms: int = APPENDED_MS) -> Received:
    return Received(sent.topic, sent.partition or 0, 7, at_ms, sent.key, sent.value, sent.headers)
