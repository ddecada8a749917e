"""The idempotency layer: the first execution's answer under its key, replayed for 24 hours of simulator time.

Source: docs.stripe.com/api/idempotent_requests and docs.stripe.com/error-low-level. The bodies stay in the journal.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from .errors import key_in_use, key_on_other_endpoint, key_too_long, key_with_other_parameters

KEY_MAX = 255  # characters
KEPT_S = 24 * 3600.0  # "at least 24 hours", then pruned
STALE_S = 23 * 3600.0  # a careful client never posts again with a key older than this
LISTED_MAX = 1_000

Name = tuple[str, str]  # (account, key)


class Stored(NamedTuple):
    endpoint: str  # method and path
    fingerprint: int
    status: int
    should_retry: bool | None
    request_id: str
    at: float
    offset: int
    length: int


class StaleUse(NamedTuple):
    account: str
    key: str
    first_at: float
    at: float


class Keys:
    """Stored answers, keys in flight, and when each key was first seen, so that a too old one is noticed."""

    def __init__(self) -> None:
        self.stored: OrderedDict[Name, Stored] = OrderedDict()  # in the order of their time
        self.in_flight: set[Name] = set()
        self.first_seen: dict[Name, float] = {}  # keys that are not (or no longer) in `stored`
        self.stale_uses: list[StaleUse] = []
        self.mismatched: list[Name] = []  # came again with other parameters

    def find(self, name: Name, endpoint: str, fingerprint: int, now: float) -> Stored | None:
        """The answer to replay; None if this is to be executed; or Stripe's error."""
        if len(name[1]) > KEY_MAX:
            raise key_too_long()
        self.prune(now)
        found = self.stored.get(name)
        self._note_age(name, found, now)
        if found is None:
            if name in self.in_flight:
                raise key_in_use(name[1])
            return None
        if found.endpoint != endpoint:
            raise key_on_other_endpoint(name[1], found.endpoint)
        if found.fingerprint != fingerprint:
            if len(self.mismatched) < LISTED_MAX:
                self.mismatched.append(name)
            raise key_with_other_parameters(name[1])
        return found

    def store(self, name: Name, stored: Stored) -> None:
        self.stored[name] = stored
        self.first_seen.pop(name, None)

    def prune(self, now: float) -> None:
        """Forgets answers, not that their keys were used."""
        while self.stored:
            name, oldest = next(iter(self.stored.items()))
            if now - oldest.at < KEPT_S:
                return
            del self.stored[name]
            self.first_seen[name] = oldest.at

    def _note_age(self, name: Name, found: Stored | None, now: float) -> None:
        first_at = found.at if found else self.first_seen.setdefault(name, now)
        if now - first_at > STALE_S and len(self.stale_uses) < LISTED_MAX:
            self.stale_uses.append(StaleUse(*name, first_at, now))
