"""Differences between the truths on `payments.differences.v1`: one record for each field of a payment that differs."""

from datetime import datetime
from typing import Any

import orjson

from models.ids import internal_command_id
from models.representation import rfc3339
from streams.delivery import Outgoing
from streams.topics import DIFFERENCES
from streams.wire import cloudevents

TYPE = "payment.difference.v1"


def write(
    run: str, at: datetime, payment_id: str, merchant: str | None, field: str, values: dict[str, Any]
) -> Outgoing:
    """`run`: the reconciliation that found it; the same difference of the same run has the same id."""
    headers = cloudevents.attributes(
        id=internal_command_id(payment_id, f"difference\n{run}\n{field}"),
        type=TYPE,
        source="millrace/reconcile",
        at=at,
        subject=payment_id,
    )
    content = {
        "run": run,
        "found_at": rfc3339(at),
        "payment": payment_id,
        "merchant": merchant,
        "field": field,
        "values": values,
    }
    return Outgoing(DIFFERENCES, payment_id.encode(), orjson.dumps(content, default=str), None, headers)
