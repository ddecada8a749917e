"""`millrace payments resolve`: a person's word on what no machine could know, as a command on the log like any other."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from models import shapes
from models.codes import Code
from models.commands import InvalidCommand, Origin, PublicCommand
from models.errors import Decided, Unavailable
from models.ports import Reply, View
from streams.adapters.kafka_replies import KafkaReplies
from streams.adapters.postgres.doubt import owner
from streams.adapters.postgres.merchants import NotFound
from streams.kafka_clients import client_settings
from streams.operator import Refused, commanding
from streams.operator.printing import show
from streams.settings import Settings, load

CONNECTED_WITHIN_S = 10.0
LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, how it was seen, and by whom. None: left out."""

    resolution: str
    evidence: str
    operator: str
    refund: str | None = None
    amount: int | None = None
    payment_intent: str | None = None


def resolve(payment_id: str, finding: Finding, as_json: bool) -> None:
    """Prints the payment as it then stands. Raises Refused, NotFound, Unavailable, SettingsRefused."""
    settings = load()
    merchant = owner(settings.postgres_dsn, payment_id)
    if merchant is None:
        raise NotFound(f"there is no payment {payment_id}")
    command = _command(payment_id, merchant, finding)
    payment = answered(asyncio.run(_said(settings, command, finding)))
    shown = {
        name: payment.get(name) for name in ("id", "status", "amount_captured", "amount_refunded", "sequence")
    }
    show([payment if as_json else shown], as_json)


def answered(reply: Reply) -> View:
    """The payment as it then stands. Raises Refused, Decided."""
    if reply.code == Code.IDEMPOTENCY_KEY_REUSED:
        raise Refused(
            "something else was asked for under this id, and was done or is under way: look, and begin anew"
        )
    if reply.code is not None:
        raise Decided(f"refused ({reply.code}): {reply.message}")
    return reply.payment or {}


def _command(payment_id: str, merchant: str, finding: Finding) -> PublicCommand:
    said = {name: getattr(finding, name) for name in Finding.__slots__}
    origin = Origin(str(uuid4()), payment_id, merchant, datetime.now(UTC))
    command = shapes.parse(shapes.RESOLVE, said, origin)
    if isinstance(command, InvalidCommand):
        raise Refused("; ".join(f"{error.field} {error.message}" for error in command.errors))
    return command


async def _said(settings: Settings, command: PublicCommand, finding: Finding) -> Reply:
    replies = KafkaReplies(client_settings(settings), 0)
    replies.start()
    try:
        await _until_connected(settings, replies)
        return await commanding.say(settings, command, finding.operator, finding.evidence, replies)
    finally:
        await replies.stop()


async def _until_connected(settings: Settings, replies: KafkaReplies) -> None:
    try:
        async with asyncio.timeout(CONNECTED_WITHIN_S):
            while not replies.is_ready:  # noqa: ASYNC110 - a client tells nobody when it is
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        raise Unavailable(f"Kafka at {settings.kafka_bootstrap} cannot be reached") from None
