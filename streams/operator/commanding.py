"""A command about a payment by an operator: on the log as anybody's is, and in the audit with who and why, in one transaction."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from models.commands import PublicCommand
from models.errors import Unavailable
from models.ports import Replies, Reply
from streams.delivery import Partition, partition_of
from streams.delivery.sending import Item
from streams.logs import blotted
from streams.operator import words
from streams.operator.acting import acting, home
from streams.operator.reading import records
from streams.settings import Settings
from streams.topics import AUDIT
from streams.wire.commands import TYPES, CommandCodec

WRITTEN_WITHIN_S = 10.0
ANSWERED_WITHIN_S = 20.0
TYPE = "payment.commanded.v1"


@dataclass(frozen=True, slots=True)
class Commanded:
    """`type` and `command`: of the command that was sent, and its id."""

    payment: str
    merchant: str
    type: str
    command: str
    operator: str
    reason: str
    at: datetime


async def say(
    settings: Settings, command: PublicCommand, operator: str, reason: str, replies: Replies
) -> Reply:
    """The writer's answer, refusals too. Raises Unavailable when there was none in time, and Refused when another operator
    began meanwhile.
    """
    origin = command.origin
    out = CommandCodec(settings.partitions, b"").write(command, replies.address)  # a public one is not signed
    key = origin.payment_id.encode()
    said = Commanded(
        origin.payment_id,
        origin.merchant,
        TYPES[command.__class__],
        origin.command_id,
        operator,
        blotted(reason),
        datetime.now(UTC),
    )
    with replies.expect(command) as answer:
        try:
            async with asyncio.timeout(WRITTEN_WITHIN_S), acting(settings) as producer:
                place = Partition(out.topic, partition_of(key, settings.partitions))
                await producer.commit(
                    {
                        place: [Item(key, out.value, out.headers)],
                        await home(producer, AUDIT, key): [item(said)],
                    }
                )
        except TimeoutError:
            raise Unavailable(
                "Kafka did not answer in time; it may have been done: look before it is asked again"
            ) from None
        reply = await answer(ANSWERED_WITHIN_S)
    if reply is None:
        raise Unavailable("the command is in the log, and no writer has answered yet")
    return reply


async def of_payment(settings: Settings, payment_id: str) -> list[Commanded]:
    """What operators had done to it, in order. Raises Unavailable."""
    key = payment_id.encode()
    written = [record async for record in records(settings, AUDIT, key, may_be_missing=True)]
    return [said for record in written if record.key == key and (said := read(record))]


def item(said: Commanded) -> Item:
    return words.item(said, f"commanded/{said.command}", TYPE, said.payment)


def read(record: Any) -> Commanded | None:
    """None where the record of the audit tells of no command."""
    return words.read(record, Commanded, "payment")
