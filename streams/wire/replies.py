"""Replies on `payments.replies.v1`: the answer to one command, for the process that asked."""

from datetime import datetime

import orjson

from models.codes import Code
from models.commands import FieldError
from models.ids import internal_command_id
from models.ports import Reply, ReplyAddress
from streams.delivery import Outgoing, Poison, Record
from streams.wire import cloudevents

TYPE = "payment.reply.v1"


def write(
    payment_id: str, address: ReplyAddress, reply: Reply, at: datetime, trace: str | None = None
) -> Outgoing:
    headers = cloudevents.attributes(
        id=internal_command_id(payment_id, f"reply\n{reply.command_id}\n{reply.replayed}"),
        type=TYPE,
        source="millrace/writer",
        at=at,
        subject=payment_id,
        causationid=reply.command_id,
        trace=trace,
    )
    content = {
        "command": reply.command_id,
        "code": reply.code,
        "message": reply.message,
        "errors": [{"field": error.field, "message": error.message} for error in reply.errors],
        "rule": reply.rule,
        "replayed": reply.replayed,
        "refund": reply.refund_id,
        "payment": reply.payment,
        "merchant": reply.merchant,
        "fingerprint": reply.fingerprint,
    }
    return Outgoing(address.topic, payment_id.encode(), orjson.dumps(content), address.partition, headers)


def read(record: Record) -> Reply:
    """Raises Poison for what is no reply of this version."""
    if cloudevents.required(record.headers, "ce_type") != TYPE:
        raise Poison("no such type of reply", Code.UNKNOWN_TYPE)
    try:
        content = orjson.loads(record.value or b"")
        return Reply(
            command_id=content["command"],
            code=content["code"],
            message=content["message"],
            replayed=content["replayed"],
            refund_id=content["refund"],
            payment=content["payment"],
            errors=tuple(FieldError(error["field"], error["message"]) for error in content["errors"]),
            merchant=content.get("merchant"),
            fingerprint=content.get("fingerprint"),
            rule=content.get("rule"),
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as wrong:
        raise Poison(f"a reply of another shape: {wrong!r}", Code.UNDECODABLE) from None
