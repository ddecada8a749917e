"""Analytics: every event leaves a fact, and the sums move by what was new in it. It is behind, and decides nothing.

Events may come twice, late or out of order: `models.analytics` says what then changes.
"""

import asyncio
import logging
from collections.abc import Sequence

from models.analytics import Fact
from models.errors import InvariantBroken, Unavailable
from models.ports import AnalyticsStore

RETRY_FIRST_S, RETRY_MAX_S = 0.1, 2.0
"""Pauses while the store cannot be reached, doubled from the first to the longest: it is back within seconds."""

log = logging.getLogger("millrace.analytics")


async def take_in(facts: Sequence[Fact], store: AnalyticsStore) -> list[Fact]:
    """Returns when all are kept, however long the store is away; what the store can never keep is returned."""
    try:
        await _until_reached(facts, store)
    except InvariantBroken as refusal:
        if len(facts) == 1:
            log.critical("event %d of %s cannot be kept: %s", facts[0].sequence, facts[0].payment, refusal)
            return list(facts)
        half = len(facts) // 2
        return await take_in(facts[:half], store) + await take_in(facts[half:], store)
    return []


async def _until_reached(facts: Sequence[Fact], store: AnalyticsStore) -> None:
    pause_s = RETRY_FIRST_S
    while True:
        try:
            return await store.take_in(facts)
        except Unavailable as away:
            log.warning("PostgreSQL is away, trying again in %.1f s: %s", pause_s, away)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, RETRY_MAX_S)
