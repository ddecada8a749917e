"""Events on `payments.events.v1`: what changed, and the payment as it then stands, so that nobody needs another source."""

from datetime import datetime
from typing import Any, NamedTuple, get_args

import orjson
from pydantic import TypeAdapter, ValidationError

from models import events as happened
from models.codes import Code
from models.events import Event, EventData
from models.ports import View
from models.provider import PspCall
from models.representation import rfc3339
from streams.delivery import Outgoing, Poison, Record
from streams.topics import EVENTS
from streams.wire import cloudevents

TYPES: dict[type[EventData], str] = {
    happened.PaymentRequested: "payment.requested.v1",
    happened.PaymentScreened: "payment.screened.v1",
    happened.PaymentProcessing: "payment.processing.v1",
    happened.PaymentActionRequired: "payment.action_required.v1",
    happened.PaymentAuthorized: "payment.authorized.v1",
    happened.PaymentAuthorizationExpiring: "payment.authorization_expiring.v1",
    happened.PaymentCaptureRequested: "payment.capture_requested.v1",
    happened.PaymentCaptured: "payment.captured.v1",
    happened.PaymentCancelRequested: "payment.cancel_requested.v1",
    happened.PaymentCanceled: "payment.canceled.v1",
    happened.PaymentDeclined: "payment.declined.v1",
    happened.PaymentOutcomeUnknown: "payment.outcome_unknown.v1",
    happened.PaymentReviewRequired: "payment.review_required.v1",
    happened.RefundRequested: "refund.requested.v1",
    happened.RefundPending: "refund.pending.v1",
    happened.RefundSucceeded: "refund.succeeded.v1",
    happened.RefundFailed: "refund.failed.v1",
    happened.RefundCanceled: "refund.canceled.v1",
    happened.RefundOutcomeUnknown: "refund.outcome_unknown.v1",
    happened.RefundReviewRequired: "refund.review_required.v1",
    happened.DisputeOpened: "dispute.opened.v1",
    happened.DisputeUpdated: "dispute.updated.v1",
    happened.DisputeClosed: "dispute.closed.v1",
    happened.CallDeferred: "payment.deferred.v1",
    happened.CallRepeated: "payment.retry_requested.v1",
    happened.CallEnded: "payment.call_ended.v1",
    happened.PaymentReadRequested: "payment.read_requested.v1",
    happened.ReviewResolved: "payment.resolved.v1",
    happened.CommandRefused: "command.refused.v1",
}
"""Every event of the core has its type on the wire; a new version of one is a new type beside the old."""

_CLASSES = {name: kind for kind, name in TYPES.items()}
_SHAPES: dict[type[EventData], TypeAdapter[Any]] = {kind: TypeAdapter(kind) for kind in get_args(EventData)}
_CALL: TypeAdapter[PspCall] = TypeAdapter(PspCall)
_ENVELOPE = ("merchant", "cause", "caused_by", "opens", "settles", "fingerprint", "payment")

_FOR_OPERATORS = ("operator", "evidence")
"""Who settled a payment by hand, and what they saw and where: that it was settled so, the merchant is told."""


def raw_command_id(name: str) -> str:
    """The id a command came with, from the name it is remembered under."""
    return name.partition("\n")[0]


def causation(event: Event) -> str:
    """The command an event answers or opens, for whoever sent it; else the internal one that led to it."""
    return raw_command_id(event.settles or event.opens or event.caused_by)


def write(event: Event, payment: View | None, cause: View, trace: str | None = None) -> Outgoing:
    """`payment`: as it stands after `event`; None where none exists. `cause`: see `causes`. `trace`: that led to it."""
    type = TYPES[event.data.__class__]
    headers = cloudevents.attributes(
        id=event.id,
        type=type,
        source="millrace/writer",
        at=event.at,
        subject=event.payment_id,
        sequence=str(event.sequence),
        causationid=causation(event),
        trace=trace,
    )
    content = {
        "merchant": event.merchant,
        **_SHAPES[event.data.__class__].dump_python(event.data, mode="json"),
        "cause": cause,
        "caused_by": event.caused_by,
        "opens": event.opens,
        "settles": event.settles,
        "fingerprint": event.fingerprint,
        "payment": payment,
    }
    return Outgoing(EVENTS, event.payment_id.encode(), orjson.dumps(content), None, headers)


def call_in(record: Record) -> PspCall | None:
    """What the provider must now be asked; None, cheaply, for most events. Raises Poison."""
    if cloudevents.required(record.headers, "ce_type") not in _ASKING:
        return None
    try:
        call = orjson.loads(record.value or b"")["call"]
        return None if call is None else _CALL.validate_python(call)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValidationError) as wrong:
        raise Poison(f"an event of another shape: {wrong!r}", Code.UNDECODABLE) from None


class Story(NamedTuple):
    """An event as its readers see it: its headers, and its value as JSON."""

    id: str
    type: str
    payment_id: str
    sequence: int
    at: datetime
    causation_id: str
    content: dict[str, Any]


def read(record: Record) -> Story:
    """Raises Poison for what is no event of this version."""
    type = cloudevents.required(record.headers, "ce_type")
    if type not in _CLASSES:
        raise Poison("no such type of event", Code.UNKNOWN_TYPE)
    try:
        content = orjson.loads(record.value or b"")
        return Story(
            id=cloudevents.required(record.headers, "ce_id"),
            type=type,
            payment_id=(record.key or b"").decode(),
            sequence=int(cloudevents.required(record.headers, "ce_sequence")),
            at=datetime.fromisoformat(cloudevents.required(record.headers, "ce_time")),
            causation_id=cloudevents.required(record.headers, "ce_causationid"),
            content=dict(content),
        )
    except (ValueError, TypeError) as wrong:
        raise Poison(f"an event of another shape: {wrong!r}", Code.UNDECODABLE) from None


def public(story: Story) -> View:
    """The event as its merchant sees it: what changed and why, without what only Millrace's own processes or people need."""
    hidden = {*_ENVELOPE, *_FOR_OPERATORS, "call", "call_key"}
    cause = _cause(story)
    return {
        "id": story.id,
        "object": "event",
        "type": story.type,
        "payment": story.payment_id,
        "sequence": story.sequence,
        "created_at": rfc3339(story.at),
        "causation_id": story.causation_id,
        "cause": cause and {name: value for name, value in cause.items() if name not in _FOR_OPERATORS},
        "data": {name: value for name, value in story.content.items() if name not in hidden},
    }


def for_operators(story: Story) -> View | None:
    """What `public` leaves out because it is about the operator's own people; None, mostly."""
    told = {**(_cause(story) or {}), **story.content}
    return {name: told[name] for name in _FOR_OPERATORS if name in told} or None


def _cause(story: Story) -> View | None:
    """None of events from before it was told."""
    cause = story.content.get("cause")
    return cause if isinstance(cause, dict) else None


def replayed(record: Record) -> Event:
    """The event itself, for rebuilding a transaction from its story. Raises Poison."""
    story = read(record)
    content = story.content
    named = {name: content[name] for name in content.keys() - {*_ENVELOPE}}
    try:
        data = _SHAPES[_CLASSES[story.type]].validate_python(named)
    except ValidationError as wrong:
        raise Poison(f"an event of another shape: {wrong!r}", Code.UNDECODABLE) from None
    return Event(
        story.id,
        story.payment_id,
        content["merchant"],
        story.sequence,
        story.at,
        content["caused_by"],
        data,
        content["opens"],
        content["settles"],
        content["fingerprint"],
    )


_ASKING = frozenset(
    TYPES[kind]
    for kind in (
        happened.PaymentRequested,
        happened.PaymentScreened,
        happened.PaymentCaptureRequested,
        happened.PaymentCancelRequested,
        happened.PaymentDeclined,
        happened.PaymentReadRequested,
        happened.RefundRequested,
        happened.CallRepeated,
    )
)
