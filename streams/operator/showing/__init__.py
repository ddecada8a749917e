"""`millrace payments show`: one payment as it stands, and everything that happened to it in the order of time.

Events come from PostgreSQL, which keeps them for ever; calls and notices, and what changed nothing, from the commands, which
are kept for a week.
"""

import asyncio
import sys
from datetime import datetime

from models.errors import Unavailable
from models.ids import PAYMENT_ID
from streams.adapters.kafka_log import ms_before
from streams.adapters.postgres.merchants import NotFound
from streams.adapters.postgres.story import story
from streams.operator.reading import records
from streams.operator.showing import layout
from streams.operator.showing.happenings import Happening, in_order, of_command, of_event, with_effects
from streams.settings import Settings, load
from streams.topics import COMMANDS


def show_one(payment_id: str, as_json: bool) -> None:
    """Raises NotFound, Unavailable, SettingsRefused."""
    settings = load()
    found = story(settings.postgres_dsn, payment_id) if PAYMENT_ID.fullmatch(payment_id) else None
    if found is None:
        raise NotFound(f"there is no payment {payment_id}")
    payment, told = found
    events = [of_event(each) for each in told]
    commands = asyncio.run(_commands(settings, payment_id, datetime.fromisoformat(payment["created_at"])))
    happened = in_order([*events, *with_effects(commands or [], events)])
    if as_json:
        layout.print_document(payment, happened, whole=commands is not None)
    else:
        layout.print_for_people(payment, happened)


async def _commands(settings: Settings, payment_id: str, since: datetime) -> list[Happening] | None:
    """What its one partition holds of it; None where that cannot be read: the events are worth seeing all the same."""
    key = payment_id.encode()
    try:
        lying = records(settings, COMMANDS, key, since_ms=ms_before(since, 0))
        found = [record async for record in lying if record.key == key]
    except Unavailable as away:
        print(f"{away}: calls and notices are not shown", file=sys.stderr)
        return None
    return [made for record in found if (made := of_command(record))]
