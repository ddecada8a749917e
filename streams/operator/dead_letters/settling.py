"""`millrace dead-letters redrive` and `drop`: what a person decided about a letter, done and written down in one transaction.

Who begins raises the epoch of the one transactional id that operators have, and looks what has been settled after that: of two
who settle the same letter at once, one is told that the other did.
"""

import asyncio
import logging
from dataclasses import asdict
from datetime import UTC, datetime

from models.errors import Unavailable
from streams.delivery import Partition
from streams.delivery.dead import APPENDED
from streams.delivery.sending import Item
from streams.delivery.transactional_producer import TransactionalProducer
from streams.logs import blotted
from streams.operator import Refused
from streams.operator.acting import acting, home
from streams.operator.dead_letters import audit
from streams.operator.dead_letters.audit import REDRIVEN, Settled
from streams.operator.dead_letters.letters import Letter, find
from streams.operator.printing import cell, show
from streams.settings import Settings, load
from streams.topics import AUDIT, COMMANDS
from streams.wire.cloudevents import APPENDED_MS, first_came_ms

SETTLED_WITHIN_S = 20.0


def settle(name: str, fate: str, operator: str, reason: str, as_json: bool) -> None:
    """`fate`: REDRIVEN or DROPPED. Raises Refused, Unavailable, SettingsRefused."""
    logging.getLogger("millrace").setLevel(logging.CRITICAL)  # what went wrong is said once
    settled = asyncio.run(settled_now(load(), name, fate, operator, reason))
    show([asdict(settled)], as_json)


async def settled_now(settings: Settings, name: str, fate: str, operator: str, reason: str) -> Settled:
    """Done, and written down. Raises Refused, Unavailable."""
    try:
        async with asyncio.timeout(SETTLED_WITHIN_S), acting(settings) as producer:
            letter = await _open_letter(settings, name)
            settled = Settled(
                letter.name,  # 0/05 is 0/5, and settled once
                fate,
                operator,
                blotted(reason),
                letter.source,
                letter.why.get("code", ""),
                datetime.now(UTC),
            )
            parcels = {await home(producer, AUDIT, letter.name.encode()): [audit.item(settled)]}
            if fate == REDRIVEN:
                parcels[await _destination(producer, letter)] = [_again(letter)]
            await producer.commit(parcels)
            return settled
    except TimeoutError:
        raise Unavailable(
            "Kafka did not answer in time; what was asked may have been done: see `list --all`"
        ) from None


async def _open_letter(settings: Settings, name: str) -> Letter:
    letter = await find(settings, name)
    before = (await audit.settlements(settings)).get((letter.name, letter.source))
    if before is not None:
        said = f"{letter.name} was {before.fate} by {before.operator} at {cell(before.at)}: {before.reason}"
        raise Refused(cell(said))
    return letter


async def _destination(producer: TransactionalProducer, letter: Letter) -> Partition:
    """Where it goes back to: its key's partition, or the one it was on. Raises Refused for what must not go back."""
    topic, *place = letter.source.split("/")
    if topic != COMMANDS:
        raise Refused(
            f"{letter.name} is from {topic or 'an unknown topic'}, and only commands can be put back: an event is said once"
        )
    if "cut" in letter.why:
        raise Refused(
            f"{letter.name} is not whole ({letter.why['cut']}): the original was too large to be kept"
        )
    if letter.key is None:
        return Partition(topic, int(place[0]))
    return await home(producer, topic, letter.key)


def _again(letter: Letter) -> Item:
    """The original, bytes and headers, and how old it is: who puts it back makes it no younger, whatever its sender claimed."""
    appended_ms = int(letter.why.get(APPENDED) or letter.at.timestamp() * 1000)
    oldest_ms = first_came_ms(
        letter.headers, appended_ms
    )  # it may have been put back before: the first time counts
    headers = [(name, value) for name, value in letter.headers if name != APPENDED_MS]
    return Item(letter.key, letter.value, [*headers, (APPENDED_MS, b"%d" % oldest_ms)])
