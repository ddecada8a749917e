"""What an inquest has before it: the truths as they were read, what clients were told, and what was sent to be refused."""

from dataclasses import dataclass, field
from typing import Any

from tests.system.history import History
from tests.system.truths import Ledger, Replayed, Stored


@dataclass
class Evidence:
    log: Replayed
    stored: Stored
    ledger: Ledger
    history: History
    cached: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What Redis would show: never anything that was not, or is no more, so."""
    poison: dict[str, str] = field(default_factory=dict)
    """What was sent to be refused: by `topic/partition/offset` the code of its dead letter."""
    unknown: set[str] = field(default_factory=set)
    """Members of a payment that some writer, of an older version, did not know: a row of its is without them."""
