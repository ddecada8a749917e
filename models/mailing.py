"""The way of a mail from the outbox to a server: what may become of it, when it is tried again, and what is needed of the
outside. What mails say is `mails.py`'s.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol, assert_never

from models.mails import Mail
from models.ports import View

RETRY_FIRST_S, RETRY_MAX_S = 30.0, 3_600.0
"""Between two tries of a mail that was put off, doubled from the first to the longest. Greylisting lets in after some minutes."""
AWAY_MAX_S = 60.0
"""The same, where no server answered: none has said anything of this mail, and it should go soon after one is back."""
GIVEN_UP_AFTER = timedelta(days=5)
"""Source: RFC 5321, section 4.5.4.1: the give-up time generally needs to be at least 4-5 days."""


class MailStatus(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    BOUNCED = "bounced"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Sent:
    """A server has taken it over. `answer`: its words, in all of these."""

    answer: str


@dataclass(frozen=True, slots=True)
class Bounced:
    """It will never be taken (5xx)."""

    answer: str


@dataclass(frozen=True, slots=True)
class PutOff:
    """Not now (4xx)."""

    answer: str


@dataclass(frozen=True, slots=True)
class Away:
    """No server answered, or none that takes anything from us. If it broke off late, the mail may have been taken."""

    answer: str


Carried = Sent | Bounced | PutOff | Away


@dataclass(frozen=True, slots=True)
class Leased:
    """A mail that is ours to send for a while. `attempt`: 1, 2, 3 …; it also tells a lease from the next one."""

    mail: Mail
    created_at: datetime
    attempt: int


class Settlement(NamedTuple):
    """What a try has led to. `again_in_s`: only of one that waits."""

    status: MailStatus
    answer: str
    again_in_s: float = 0.0


def settlement(leased: Leased, carried: Carried, now: datetime) -> Settlement:
    match carried:
        case Sent():
            return Settlement(MailStatus.SENT, carried.answer)
        case Bounced():
            return Settlement(MailStatus.BOUNCED, carried.answer)
        case PutOff() | Away():
            if now - leased.created_at > GIVEN_UP_AFTER:
                return Settlement(MailStatus.GIVEN_UP, carried.answer)
            longest_s = RETRY_MAX_S if isinstance(carried, PutOff) else AWAY_MAX_S
            doubled_s = RETRY_FIRST_S * 2 ** min(leased.attempt - 1, 10)
            return Settlement(MailStatus.WAITING, carried.answer, min(doubled_s, longest_s))
    assert_never(carried)


class MailOutbox(Protocol):
    """Where mails are kept until they are sent, and what became of them after. All raise Unavailable."""

    async def put(self, mails: Sequence[Mail]) -> None:
        """Durable when it returns; a mail that is there stays as it is. Raises InvariantBroken for what cannot be kept."""
        ...

    async def lease(self) -> Leased | None:
        """The one that has been due for longest, for `LEASE_S`; None: none is."""
        ...

    async def settle(self, leased: Leased, settlement: Settlement) -> None:
        """Changes nothing where the lease has ended and somebody else has it."""
        ...

    async def merchant_names(self, ids: Collection[str]) -> dict[str, str]: ...

    async def unknown_payments(self, before: datetime, most_per_hour: int) -> list[View]:
        """Payments that nobody knows the end of since before then, and of which no mail tells; the oldest first, and none when so
        many were told within an hour.
        """
        ...

    async def forget(self, before: datetime) -> None:
        """Addresses and content of what was settled before then; that it was, is kept."""
        ...


class MailCarrier(Protocol):
    async def carry(self, leased: Leased) -> Carried:
        """Bounded in time. Never raises: doubt is `Away`."""
        ...


LEASE_S = 90.0
"""Longer than any try takes (TRY_WITHIN_S of the carrier). What a killed process had under way is tried again after this."""
