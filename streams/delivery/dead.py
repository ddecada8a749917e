"""Dead letters: the original key, value and all headers, and beside them where it came from and why it lies there.

The topic of the dead letters must take a little more than the topics the letters come from: `DEAD_LETTERS_CONFIG`.
What not even that takes (records that arrived compressed can unpack to any size) is cut, and says so; the original
stays where `source` points for as long as its topic keeps it.
"""

from streams.delivery.records import Headers, Outgoing, Poison, Record, size_bytes, size_of

DEAD_LETTERS_CONFIG = {"max.message.bytes": str(2 << 20)}  # twice the default of the topics they come from
LARGEST_LETTER_BYTES = (2 << 20) - (
    64 << 10
)  # of original key, value and headers; the rest is for ours and framing
APPENDED = "appended_ms"
OURS = frozenset({"source", "reason", "code", APPENDED, "cut"})
"""Headers that stand behind the original's, `source` first."""
MOST_REASON_BYTES = 1_000  # a reason is a sentence, not a dump


def dead_letter(topic: str, record: Record, poison: Poison) -> Outgoing:
    """The record as it was, with headers `source` (topic/partition/offset), `reason`, `code` where there is one, and when it
    came (`appended_ms`).
    """
    source = f"{record.topic}/{record.partition}/{record.offset}".encode()
    ours: list[tuple[str, bytes]] = [
        ("source", source),
        ("reason", poison.reason.encode()[:MOST_REASON_BYTES]),
    ]
    if poison.code is not None:
        ours.append(("code", poison.code.encode()))
    ours.append((APPENDED, str(record.timestamp_ms).encode()))
    key, value, headers = _cut(record, ours)
    return Outgoing(topic, key, value, None, (*headers, *ours))


def _cut(record: Record, ours: list[tuple[str, bytes]]) -> tuple[bytes | None, bytes | None, Headers]:
    size = size_of(record)
    if size <= LARGEST_LETTER_BYTES:
        return record.key, record.value, record.headers
    ours.append(("cut", f"{size} bytes in all".encode()))
    key = record.key if len(record.key or b"") <= LARGEST_LETTER_BYTES // 4 else None
    headers = record.headers if size_bytes(None, None, record.headers) <= LARGEST_LETTER_BYTES // 4 else ()
    return key, (record.value or b"")[: LARGEST_LETTER_BYTES // 2], headers
