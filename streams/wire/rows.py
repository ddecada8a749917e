"""The writer's rows, as its table and changelog keep them: JSON whose first members say when the payment wants a check, and
since when it is in doubt.
"""

from datetime import datetime
from typing import Any

import orjson
from pydantic import TypeAdapter

from models.ports import ReplyAddress
from models.row import Row
from models.transaction import Transaction

_TRANSACTION: TypeAdapter[Transaction] = TypeAdapter(Transaction)
_FIRST, _SECOND = b'{"next_check_ms":', b'"in_doubt_ms":'

FULL_BYTES = 600_000
"""From here on a row takes nothing new. Up to what a record may weigh (900 kB) there is room for the largest command yet
(all the metadata that refunds may have: 250 kB), for the outcomes of what was begun, and for what was refused."""


def write(row: Row) -> bytes:
    """What is None is left out: a settled payment is some 600 bytes."""
    check_ms, doubt_ms = map(_ms, (row.transaction.next_check_at, row.transaction.in_doubt_since))
    first = b"%b%b,%b%b" % (_FIRST, check_ms, _SECOND, doubt_ms)
    body = _TRANSACTION.dump_json(row.transaction, exclude_none=True)
    if not row.waiters:
        return b'%b,"transaction":%b}' % (first, body)
    waiters = {name: [[to.topic, to.partition] for to in tos] for name, tos in row.waiters.items()}
    return b'%b,"transaction":%b,"waiters":%b}' % (first, body, orjson.dumps(waiters))


def read(value: bytes) -> Row:
    content: dict[str, Any] = orjson.loads(value)
    waiters = {
        name: tuple(ReplyAddress(topic, partition) for topic, partition in tos)
        for name, tos in content.get("waiters", {}).items()
    }
    return Row(_TRANSACTION.validate_python(content["transaction"]), waiters)


def is_full(value: bytes | None) -> bool:
    return value is not None and len(value) > FULL_BYTES


def next_check_ms(value: bytes) -> int | None:
    """When the payment wants to be looked after, in ms since 1970, without reading the row: recovery asks it of all."""
    return _number(value[len(_FIRST) : value.index(b",")])


def in_doubt_ms(value: bytes) -> int | None:
    """Since when nobody knows its end, likewise. A row from before this was told is in no doubt."""
    begins = value.index(b",") + 1
    if not value.startswith(_SECOND, begins):
        return None
    return _number(value[begins + len(_SECOND) : value.index(b",", begins)])


def _number(text: bytes) -> int | None:
    return None if text == b"null" else int(text)


def _ms(at: datetime | None) -> bytes:
    return b"null" if at is None else b"%d" % int(at.timestamp() * 1000)
