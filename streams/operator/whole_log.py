"""A log of which live tables are made anew has to be all that they were made from: it begins at its beginning, and reaches to
where the process that keeps them has committed. That one will not come back for what is left out.
"""

from streams import topics
from streams.adapters.kafka_groups import committed
from streams.adapters.kafka_log import KafkaLog
from streams.kafka_clients import client_settings
from streams.operator import Refused
from streams.settings import Settings

SMALL_ENOUGH = 2_000  # places of the log that may be read while writers wait: a second at most

BEHEADED = "the log does not reach back to its beginning any more: the live tables alone know what was told before that"
CUT_SHORT = (
    "who keeps the live tables has committed more than the log is said to have: nothing was changed. A broker that is cut off "
    "says so, and it helps to begin anew; a log that was restored says so for good"
)


def refuse_beheaded(log: KafkaLog) -> None:
    """Before anything is read of it."""
    if any(log.places.values()):
        raise Refused(BEHEADED)


async def refuse_cut_short(log: KafkaLog, settings: Settings, role: str) -> None:
    """When all is read of it, and nobody keeps anything: what was kept must lie before its end as it is now."""
    places = await committed_by(role, settings)
    if any(place > log.places.get(number, 0) for number, place in places.items()):
        raise Refused(CUT_SHORT)


async def committed_by(role: str, settings: Settings) -> dict[int, int]:
    """Up to where it has committed what it kept of the events, by partition: it may be further, and never less far."""
    return await committed(client_settings(settings), f"{settings.group_prefix}-{role}", topics.EVENTS)
