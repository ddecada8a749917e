"""The projection: events become rows in PostgreSQL and fresh views in the cache, for whoever reads.

It may be behind, and may see an event twice; a row only ever moves to a higher sequence. It decides nothing.
"""

import logging
from collections.abc import Callable, Sequence

from agents.keeping import keep, until_reached
from models.errors import InvariantBroken
from models.ports import Change, PaymentCache, PaymentStore

log = logging.getLogger("millrace.projection")


async def project(
    changes: Sequence[Change], store: PaymentStore, cache: PaymentCache, crashpoint: Callable[[str], None]
) -> list[Change]:
    """Returns when all are kept, however long the store is away; what the store can never keep is returned."""
    refused = await keep(changes, lambda some: until_reached(lambda: store.apply(some), log), _tell)
    crashpoint("projection.after_store")
    kept = [change for change in changes if change not in refused] if refused else changes
    newest = {change.payment["id"]: change.payment for change in kept if change.payment}
    await cache.put(list(newest.values()))
    return refused


def _tell(change: Change, refusal: InvariantBroken) -> None:
    log.critical("event %s cannot be kept: %s", change.event.id, refusal)
