"""Analytics: every event leaves a fact, and the sums move by what was new in it. It is behind, and decides nothing.

Events may come twice, late or out of order: `models.analytics` says what then changes.
"""

import logging
from collections.abc import Sequence

from agents.keeping import keep, until_reached
from models.analytics import Fact
from models.errors import InvariantBroken
from models.ports import AnalyticsStore

log = logging.getLogger("millrace.analytics")


async def take_in(facts: Sequence[Fact], store: AnalyticsStore) -> list[Fact]:
    """Returns when all are kept, however long the store is away; what the store can never keep is returned."""
    return await keep(facts, lambda some: until_reached(lambda: store.take_in(some), log), _tell)


def _tell(fact: Fact, refusal: InvariantBroken) -> None:
    log.critical("event %d of %s cannot be kept: %s", fact.sequence, fact.payment, refusal)
