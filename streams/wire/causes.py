"""What caused an event: who sent the command that led to it, and by which requests of Stripe's it was learned. Pure.

It goes onto the topic beside what happened and is no part of it: nothing is decided by it, and old events have none.
"""

from typing import assert_never

from models.commands import (
    CancelPayment,
    CapturePayment,
    CheckPayment,
    Command,
    CreatePayment,
    CreateRefund,
    InvalidCommand,
    RecordNotice,
    RecordOutcome,
    ResolvePayment,
)
from models.ports import View
from models.provider import Screened
from streams.wire.commands import SOURCE, TYPES


def cause_of(command: Command) -> View:
    """Only what applies. `by`: `api`, `kafka`, `operator`, `provider`, `screen`, `webhook` or `timer`.

    The first three are what the sender says of itself: on Kafka it could say anything (`source` is its own name).
    """
    type = command.type if isinstance(command, InvalidCommand) else TYPES[command.__class__]
    match command:
        case RecordOutcome(_, call_key, outcome):
            by = "screen" if isinstance(outcome, Screened) else "provider"
            requests = [send.request for send in outcome.sends if send.request]
            told = {"command": type, "by": by, "provider_key": call_key}
            return {**told, "provider_requests": requests} if requests else told
        case RecordNotice():
            notice = {"notice": command.notice_id, "notice_type": command.notice_type}
            told = {"command": type, "by": "webhook", **notice}
            return {**told, "provider_requests": [command.request]} if command.request else told
        case CheckPayment():
            return {"command": type, "by": "timer"}
        case ResolvePayment():
            return {"command": type, "by": "operator", "operator": command.operator}
        case CreatePayment() | CapturePayment() | CancelPayment() | CreateRefund() | InvalidCommand():
            return _sent(type, command.origin.source)
    assert_never(command)


def _sent(type: str, source: str | None) -> View:
    if source == SOURCE:
        return {"command": type, "by": "api"}
    by = {"command": type, "by": "kafka"}
    return {**by, "source": source} if source else by
