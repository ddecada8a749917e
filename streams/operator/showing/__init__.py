"""`millrace payments show`: one payment as it stands, and everything that happened to it in the order of time.

Events come from PostgreSQL, which keeps them for ever, and the webhooks that told of them for a month; calls and notices, and
what changed nothing, from the commands, which are kept for a week.
"""

import asyncio
import sys
from dataclasses import dataclass
from datetime import datetime

from models.errors import Unavailable
from models.ids import PAYMENT_ID
from models.ports import View
from streams.adapters.kafka_log import ms_before
from streams.adapters.postgres.merchants import NotFound
from streams.adapters.postgres.story import story
from streams.operator import commanding
from streams.operator.reading import records
from streams.operator.showing import layout
from streams.operator.showing.happenings import (
    Happening,
    in_order,
    of_act,
    of_command,
    of_delivery,
    of_event,
    with_effects,
)
from streams.settings import Settings, load
from streams.topics import COMMANDS


def show_one(payment_id: str, as_json: bool) -> None:
    """Raises NotFound, Unavailable, SettingsRefused."""
    found = asyncio.run(told(load(), payment_id))
    if found is None:
        raise NotFound(f"there is no payment {payment_id}")
    if found.away:
        print(f"{found.away}: calls and notices are not shown", file=sys.stderr)
    if as_json:
        layout.print_document(found.payment, found.happened, whole=found.away is None)
    else:
        layout.print_for_people(found.payment, found.happened)


@dataclass(frozen=True, slots=True)
class Whole:
    """`away`: why calls, notices and operators' words are not among what happened; None where they are."""

    payment: View
    happened: list[Happening]
    away: str | None


async def told(settings: Settings, payment_id: str, within_s: float | None = None) -> Whole | None:
    """None: there is no such payment. `within_s`: for what is read out of Kafka. Raises Unavailable where PostgreSQL is away."""
    if not PAYMENT_ID.fullmatch(payment_id):
        return None
    found = await asyncio.to_thread(story, settings.postgres_dsn, payment_id)
    if found is None:
        return None
    payment, events = found[0], [of_event(each) for each in found[1]]
    delivered = [of_delivery(each) for each in found[2]]
    try:
        async with asyncio.timeout(within_s):
            commands = await _commands(settings, payment_id, datetime.fromisoformat(payment["created_at"]))
            acts = await commanding.of_payment(settings, payment_id)
    except (Unavailable, TimeoutError) as away:  # the events are worth seeing all the same
        return Whole(payment, in_order([*events, *delivered]), str(away) or "Kafka was not read in time")
    led = with_effects(commands, events)
    return Whole(payment, in_order([*events, *delivered, *led, *map(of_act, acts)]), None)


async def _commands(settings: Settings, payment_id: str, since: datetime) -> list[Happening]:
    """What its one partition holds of it."""
    key = payment_id.encode()
    lying = records(settings, COMMANDS, key, since_ms=ms_before(since, 0))
    found = [record async for record in lying if record.key == key]
    return [made for record in found if (made := of_command(record))]
