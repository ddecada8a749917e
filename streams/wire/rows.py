"""The writer's rows, as its table and changelog keep them: JSON whose first member says when the payment wants a check."""

from typing import Any

import orjson
from pydantic import TypeAdapter

from models.ports import ReplyAddress
from models.row import Row
from models.transaction import Transaction

_TRANSACTION: TypeAdapter[Transaction] = TypeAdapter(Transaction)
_FIRST = b'{"next_check_ms":'

FULL_BYTES = 600_000
"""From here on a row takes nothing new. Up to what a record may weigh (900 kB) there is room for the largest command yet
(all the metadata that refunds may have: 250 kB), for the outcomes of what was begun, and for what was refused."""


def write(row: Row) -> bytes:
    """What is None is left out: a settled payment is some 600 bytes."""
    check = row.transaction.next_check_at
    check_ms = b"null" if check is None else b"%d" % int(check.timestamp() * 1000)
    body = _TRANSACTION.dump_json(row.transaction, exclude_none=True)
    if not row.waiters:
        return b"%b%b,%b" % (_FIRST, check_ms, b'"transaction":%b}' % body)
    waiters = {name: [[to.topic, to.partition] for to in tos] for name, tos in row.waiters.items()}
    return b"%b%b,%b" % (_FIRST, check_ms, b'"transaction":%b,"waiters":%b}' % (body, orjson.dumps(waiters)))


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
    at = value[len(_FIRST) : value.index(b",")]
    return None if at == b"null" else int(at)
