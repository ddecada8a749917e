"""Who calls, and how much they may ask for: what the door needs to know of either. Which operation needs what is the door's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls for a merchant: the holder of an API key, or of a signed token.

    `key_prefix` tells callers apart: a key's first characters, or `jwt:` and the token's subject. `expires_at`: None is never.
    """

    merchant: str
    key_prefix: str
    scopes: frozenset[str]
    livemode: bool
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Operator:
    """Who holds a key of the operator's own. It belongs to no merchant, and opens nothing that is a merchant's."""

    key_prefix: str
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """How much `subject` may ask for: `per_s` units a second in the long run, `burst` at once."""

    name: str
    subject: str
    per_s: float
    burst: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left of a limit: whole units, and the seconds until all of them are back."""

    limit: Limit
    remaining: int
    restored_s: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """`retry_after_s`: until the same would be admitted, were nothing else asked for; 0 where it is admitted."""

    admitted: bool
    retry_after_s: float
    standings: tuple[Standing, ...]


class RateLimiter(Protocol):
    async def take(self, limits: Sequence[Limit], cost: int) -> Verdict:
        """`cost` units of each of `limits`, or of none. Answers within a fraction of a second, whatever is away."""
        ...


class ApiKeys(Protocol):
    async def holder(self, api_key: str) -> Principal | Operator | None:
        """Who holds it; None for a key that is not known, was revoked or has expired. Raises Unavailable."""
        ...


class Tokens(Protocol):
    async def holder(self, token: str) -> Principal | None:
        """For whom a signed token (JWT) speaks; None for one that does not count here. Raises Unavailable."""
        ...
