"""What operators did, as a record of `payments.operator-audit.v1`: written and read. What is said is its teller's dataclass:
texts, and `at`.
"""

from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, ClassVar, Protocol, TypeVar

import orjson

from models.representation import rfc3339
from streams.delivery.sending import Item
from streams.wire import cloudevents


class Word(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def at(self) -> datetime: ...


W = TypeVar("W", bound=Word)


def item(said: Word, id: str, type: str, about: str) -> Item:
    """`about`: the record's key."""
    headers = cloudevents.attributes(id=id, type=type, source="millrace", at=said.at, subject=about)
    return Item(about.encode(), orjson.dumps(asdict(said) | {"at": rfc3339(said.at)}), headers)


def read(record: Any, kind: type[W], about: str) -> W | None:
    """None where the record is no such word. `about`: the member that its key repeats."""
    try:
        content = orjson.loads(record.value or b"")
        named: dict[str, Any] = {each.name: str(content[each.name]) for each in fields(kind)}
        said = kind(**named | {"at": datetime.fromisoformat(content["at"])})
    except (ValueError, TypeError, KeyError):
        return None
    return said if said.at.tzinfo is not None and record.key == getattr(said, about).encode() else None
