"""The projection: events become rows in PostgreSQL and fresh views in the cache, for whoever reads.

It may be behind, and may see an event twice; a row only ever moves to a higher sequence. It decides nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from models.errors import InvariantBroken, Unavailable
from models.ports import Change, PaymentCache, PaymentStore

RETRY_FIRST_S, RETRY_MAX_S = 0.1, 2.0
"""Pauses while the store cannot be reached, doubled from the first to the longest: it is back within seconds."""

log = logging.getLogger("millrace.projection")


async def project(
    changes: Sequence[Change], store: PaymentStore, cache: PaymentCache, crashpoint: Callable[[str], None]
) -> list[Change]:
    """Returns when all are kept, however long the store is away; what the store can never keep is returned."""
    refused = await _keep(changes, store)
    crashpoint("projection.after_store")
    kept = [change for change in changes if change not in refused] if refused else changes
    newest = {change.payment["id"]: change.payment for change in kept if change.payment}
    await cache.put(list(newest.values()))
    return refused


async def _keep(changes: Sequence[Change], store: PaymentStore) -> list[Change]:
    """One batch; if the store refuses its content, one by one, so that one bad row stops nobody."""
    try:
        await _until_reached(changes, store)
    except InvariantBroken as refusal:
        if len(changes) == 1:
            log.critical("event %s cannot be kept: %s", changes[0].event.id, refusal)
            return list(changes)
        return [bad for change in changes for bad in await _keep([change], store)]
    return []


async def _until_reached(changes: Sequence[Change], store: PaymentStore) -> None:
    pause_s = RETRY_FIRST_S
    while True:
        try:
            return await store.apply(changes)
        except Unavailable as away:
            log.warning("PostgreSQL is away, trying again in %.1f s: %s", pause_s, away)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, RETRY_MAX_S)
