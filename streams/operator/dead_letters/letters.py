"""A dead letter as it is read: what it was, where it came from, and why it lies there. What becomes of it is not told here."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from streams.delivery.dead import OURS
from streams.logs import blotted
from streams.operator import Refused
from streams.operator.reading import record_at
from streams.settings import Settings
from streams.topics import DEAD_LETTERS

_NAME = re.compile(r"(\d{1,6})/(\d{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Letter:
    """`headers`: the original's. `why`: ours, by name, the last of each (an original may have the same names)."""

    name: str
    at: datetime
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    why: dict[str, str]

    @property
    def source(self) -> str:
        """topic/partition/offset of the original."""
        return self.why.get("source", "")

    def attribute(self, name: str) -> str | None:
        """One of the original's headers, as text."""
        return next((_text(value) for key, value in self.headers if key == name), None)


def letter(record: Any) -> Letter:
    """Ours come behind the original's, each once."""
    headers = [(name, value) for name, value in record.headers]
    ours = [place for place, (name, _) in enumerate(headers) if name == "source"]
    begins = ours[-1] if ours else len(headers)
    return Letter(
        f"{record.partition}/{record.offset}",
        datetime.fromtimestamp(record.timestamp / 1000, UTC),
        record.key,
        record.value,
        headers[:begins],
        {name: _text(value) for name, value in headers[begins:] if name in OURS},
    )


async def find(settings: Settings, name: str) -> Letter:
    """Raises Refused for what is no name, or none of a letter that is still there; Unavailable."""
    matched = _NAME.fullmatch(name)
    if matched is None:
        raise Refused(f"{name!r} is no letter: they are named partition/offset, as `dead-letters` lists them")
    record = await record_at(settings, DEAD_LETTERS, int(matched[1]), int(matched[2]))
    if record is None:
        raise Refused(f"there is no letter {name}, or not any more")
    return letter(record)


def readable(content: bytes | None) -> str | None:
    """As text where it is text, the rest in escapes; what nobody may read is blotted out."""
    return None if content is None else blotted(content.decode(errors="backslashreplace"))


def _text(value: bytes | None) -> str:
    return bytes(value or b"").decode(errors="replace")
