"""Commands on `payments.commands.v1`: read by the writer, sent by the door, the gateway and the timers.

A public command comes from anybody whom the broker lets in: its shape is checked, and what is wrong with it is refused.
An internal one must carry the signature of Millrace's own processes. What cannot be read at all is poison.
"""

import hmac
import re
import time
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from pydantic import Discriminator, TypeAdapter, ValidationError

from models import shapes
from models.codes import Code
from models.commands import (
    CancelPayment,
    CapturePayment,
    CheckPayment,
    Command,
    CreatePayment,
    CreateRefund,
    InternalCommand,
    InvalidCommand,
    Origin,
    RecordNotice,
    RecordOutcome,
    ResolvePayment,
)
from models.ids import PAYMENT_ID
from models.ports import ReplyAddress
from models.provider import Outcome, Snapshot
from streams.delivery import Outgoing, Poison, Record, partition_of
from streams.topics import COMMANDS, REPLIES_PREFIX
from streams.wire import cloudevents

CREATE, CAPTURE, CANCEL, REFUND, RESOLVE = shapes.TYPES
OUTCOME, CHECK, NOTICE = "payment.outcome.v1", "payment.check.v1", "provider.notice.v1"
TYPES: dict[type[Command], str] = {
    CreatePayment: CREATE,
    CapturePayment: CAPTURE,
    CancelPayment: CANCEL,
    CreateRefund: REFUND,
    ResolvePayment: RESOLVE,
    RecordOutcome: OUTCOME,
    CheckPayment: CHECK,
    RecordNotice: NOTICE,
}
"""Every command that is sent has its type on the wire; one that is not valid has the type it came with."""

SOURCE = "millrace"
"""As Millrace's own processes call themselves in `ce_source`."""
REPLY_TO = "reply_to"
_MERCHANT = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_TOPIC = re.compile(re.escape(REPLIES_PREFIX) + r"[A-Za-z0-9._-]{1,200}", re.ASCII)  # Kafka's own letters

_OUTCOME: TypeAdapter[Outcome] = TypeAdapter(Annotated[Outcome, Discriminator("kind")])
_SNAPSHOT: TypeAdapter[Snapshot] = TypeAdapter(Annotated[Snapshot, Discriminator("kind")])


class CommandCodec:
    """`partitions`: of the command topic. `secret`: signs and verifies internal commands."""

    def __init__(self, partitions: int, secret: bytes) -> None:
        self._partitions, self._secret = partitions, secret

    def read(self, record: Record) -> tuple[Command, ReplyAddress | None]:
        """The command, and who wants its answer. Raises Poison for what can be neither applied nor refused."""
        key, value = record.key, record.value
        if key is None or not PAYMENT_ID.fullmatch(payment_id := key.decode("latin-1")):
            raise Poison("the key is not a payment id", Code.KEY_INVALID)
        type = cloudevents.required(record.headers, "ce_type")
        id = cloudevents.required(record.headers, "ce_id")
        if (cloudevents.text(record.headers, "ce_specversion") or "1.0") != "1.0":
            raise Poison("not CloudEvents 1.0", Code.UNKNOWN_TYPE)
        content = _object(value)
        at = datetime.fromtimestamp(record.timestamp_ms / 1000, UTC)
        first_came_ms = cloudevents.first_came_ms(record.headers, record.timestamp_ms)
        age_s = max(0, int(time.time() - first_came_ms / 1000))
        merchant = content.get("merchant")
        if not isinstance(merchant, str) or not _MERCHANT.fullmatch(merchant):
            raise Poison("the value names no merchant", Code.UNDECODABLE)
        origin = Origin(id, payment_id, merchant, at, age_s, _source(record))
        if type in shapes.TYPES:
            return shapes.parse(type, content, origin, None), _reply_address(record)
        if type in (OUTCOME, CHECK, NOTICE):
            self._verify(record, key, id, type, value or b"")
            return _internal(type, origin, content), None
        raise Poison("no such type of command", Code.UNKNOWN_TYPE)

    def is_misplaced(self, record: Record) -> bool:
        """Whether another partition is the payment's own: two writers must never both think it theirs."""
        return record.key is not None and partition_of(record.key, self._partitions) != record.partition

    def write(
        self, command: Command, reply_to: ReplyAddress | None = None, trace: str | None = None
    ) -> Outgoing:
        """The record to send, to the payment's own partition."""
        origin = command.origin
        content, type = _content(command), TYPES[command.__class__]
        key, value = origin.payment_id.encode(), orjson.dumps({"merchant": origin.merchant, **content})
        headers = cloudevents.attributes(
            id=origin.command_id,
            type=type,
            source=SOURCE,
            at=origin.at,
            subject=origin.payment_id,
            trace=trace,
        )
        if reply_to:
            headers.append((REPLY_TO, f"{reply_to.topic}/{reply_to.partition}".encode()))
        if isinstance(command, InternalCommand):
            signed = cloudevents.signature(self._secret, key, origin.command_id, type, value)
            headers.append((cloudevents.SIGNATURE, signed))
        return Outgoing(COMMANDS, key, value, partition_of(key, self._partitions), headers)

    def _verify(self, record: Record, key: bytes, id: str, type: str, value: bytes) -> None:
        given = cloudevents.raw(record.headers, cloudevents.SIGNATURE)
        if not hmac.compare_digest(given, cloudevents.signature(self._secret, key, id, type, value)):
            raise Poison("an internal command without our signature", Code.UNSIGNED)


def _object(value: bytes | None) -> dict[str, Any]:
    try:
        content = orjson.loads(value or b"")
    except orjson.JSONDecodeError as wrong:
        raise Poison(f"the value is not JSON: {wrong.msg} at {wrong.pos}", Code.UNDECODABLE) from None
    if not isinstance(content, dict):
        raise Poison("the value is not a JSON object", Code.UNDECODABLE)
    return content


def _source(record: Record) -> str | None:
    """By its own word, as far as it can be read; a command is not refused for it."""
    try:
        return cloudevents.text(record.headers, "ce_source")
    except Poison:
        return None


def _reply_address(record: Record) -> ReplyAddress | None:
    topic, _, partition = (cloudevents.text(record.headers, REPLY_TO) or "").rpartition("/")
    if (
        not _TOPIC.fullmatch(topic)
        or not (partition.isdecimal() and partition.isascii())
        or len(partition) > 6
    ):
        return None
    return ReplyAddress(topic, int(partition))


def _internal(type: str, origin: Origin, content: dict[str, Any]) -> InternalCommand:
    try:
        if type == OUTCOME:
            return RecordOutcome(origin, content["call"], _OUTCOME.validate_python(content["outcome"]))
        if type == NOTICE:
            snapshot = _SNAPSHOT.validate_python(content["snapshot"])
            account, request = content.get("account"), content.get("request")  # once, nobody told them
            return RecordNotice(origin, content["notice"], content["notice_type"], snapshot, account, request)
        return CheckPayment(origin)
    except (KeyError, ValidationError) as wrong:
        raise Poison(f"an internal command of another shape: {wrong!r}", Code.UNDECODABLE) from None


def _content(command: Command) -> dict[str, Any]:
    match command:
        case CreatePayment(_, terms):
            named = {name: getattr(terms, name) for name in type(terms).__slots__ if name != "money"}
            content = {"amount": terms.money.amount_minor, "currency": terms.money.currency, **named}
            return {name: value for name, value in content.items() if value is not None}
        case CapturePayment(_, amount, final):
            return {"amount": amount, "final": final} if amount is not None else {"final": final}
        case CancelPayment(_, reason):
            return {"reason": reason}
        case CreateRefund():
            content = {
                "refund": command.refund_id,
                "amount": command.amount_minor,
                "reason": command.reason,
                "expected_refundable": command.expected_refundable_minor,
                "metadata": command.metadata,
            }
            return {name: value for name, value in content.items() if value is not None}
        case ResolvePayment():
            content = {
                "resolution": command.resolution,
                "evidence": command.evidence,
                "operator": command.operator,
                "refund": command.refund_id,
                "amount": command.amount_minor,
                "payment_intent": command.intent,
            }
            return {name: value for name, value in content.items() if value is not None}
        case RecordOutcome(_, call, outcome):
            return {"call": call, "outcome": _OUTCOME.dump_python(outcome, mode="json")}
        case RecordNotice(_, notice, notice_type, snapshot):
            seen = _SNAPSHOT.dump_python(snapshot, mode="json")
            told = {"notice": notice, "notice_type": notice_type, "snapshot": seen}
            known = {"account": command.account, "request": command.request}
            return told | {name: value for name, value in known.items() if value is not None}
        case CheckPayment():
            return {}
        case InvalidCommand():
            raise TypeError("a command that is not valid is never sent")
