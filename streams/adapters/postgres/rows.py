"""How a change becomes rows: one array literal per column, in the order of the key. No SQL lives here.

A literal, not a list: for a list psycopg2 writes `ARRAY['…', '…', …]`, each of whose elements PostgreSQL parses and plans
as an expression of its own. A batch of 500 then takes three times as long.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from models.errors import InvariantBroken
from models.ports import Change, EventRecord, View

Columns = list[str]
"""One array literal per column; none at all when there is no row."""


def newest_payments(changes: Iterable[Change]) -> list[View]:
    """The last view of each payment in the batch. In the order of their ids: two writers then never deadlock."""
    newest: dict[str, View] = {}
    for change in changes:
        view = change.payment
        if view is not None and view["sequence"] >= newest.get(view["id"], view)["sequence"]:
            newest[view["id"]] = view
    return [newest[payment_id] for payment_id in sorted(newest)]


def payment_columns(views: Sequence[View]) -> Columns:
    return _columns(
        (
            view["id"],
            view["merchant"],
            view["sequence"],
            view["status"],
            view["amount"],
            view["currency"],
            storable(view["customer"]),
            json_text(storable_metadata(view)),
            array(
                metadata_digests(view)
            ),  # a literal within a literal: `unnest` would flatten an array of arrays
            storable(view["provider"]["payment_intent"]),
            json_text(view),
            view["created_at"],
            view["updated_at"],
        )
        for view in views
    )


def refund_columns(views: Sequence[View]) -> Columns:
    refunds = sorted(
        ((view, refund) for view in views for refund in view["refunds"]),
        key=lambda pair: (pair[0]["id"], pair[1]["id"]),
    )
    return _columns(
        (
            view["id"],
            refund["id"],
            view["merchant"],
            view["sequence"],
            refund["status"],
            refund["amount"],
            json_text(refund),
            refund["created_at"],
            refund["updated_at"],
        )
        for view, refund in refunds
    )


def event_columns(changes: Iterable[Change]) -> Columns:
    events = {(change.event.payment_id, change.event.sequence): change.event for change in changes}
    return _columns(event_row(event) for _, event in sorted(events.items()))


def event_row(event: EventRecord) -> tuple[Any, ...]:
    return (
        event.payment_id,
        event.sequence,
        event.id,
        event.type,
        event.merchant,
        storable(event.sender),
        event.at.isoformat(),
        storable(event.causation_id),
        json_text(event.body),
        event.for_operators and json_text(event.for_operators),
    )


def metadata_digest(merchant: str, name: str, value: str) -> int:
    """What the filter's index holds in place of a pair: short whatever its length, and each merchant's own."""
    digest = hashlib.blake2b(
        "\0".join((merchant, name, value)).encode(errors="replace"), digest_size=8
    ).digest()
    return int.from_bytes(digest, signed=True)


def array(values: Iterable[str | int | None]) -> str:
    """Source: PostgreSQL, Arrays, "Array Input and Output Syntax"."""
    return "{" + ",".join("NULL" if value is None else _quoted(str(value)) for value in values) + "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def storable(text: str | None) -> str | None:
    """PostgreSQL's text holds every character but NUL; half a surrogate pair, which HTTP may bring, is no character."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode() if text else text


def json_text(value: object) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError as failed:
        raise InvariantBroken(f"this cannot be written as JSON: {failed}") from failed


def _columns(rows: Iterable[tuple[Any, ...]]) -> Columns:
    return [array(column) for column in zip(*rows, strict=True)]


def storable_metadata(view: View) -> dict[str | None, str | None]:
    return {storable(name): storable(value) for name, value in view["metadata"].items()}


def metadata_digests(view: View) -> list[int]:
    return [metadata_digest(view["merchant"], name, value) for name, value in view["metadata"].items()]
