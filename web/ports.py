"""What the door is plugged into: the core's ports, and two that only a door needs."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from models.ports import (
    ApiKeys,
    CommandLog,
    NoticeLog,
    NoticeMemory,
    NoticeReader,
    PaymentReader,
    Replies,
    View,
)


class Reader(PaymentReader, Protocol):
    """Reads payments, and knows which it must not show an older state of."""

    async def remember(self, payment: View) -> None:
        """Before `payment` is shown: whoever reads it from now on, anywhere, sees this state or a newer one."""
        ...


Missing = Mapping[str, str]
"""By the part that is not there (`kafka`, `postgres` …): what is wrong with it. Empty: ready."""

Readiness = Callable[[], Awaitable[Missing]]


@dataclass(frozen=True, slots=True)
class Ports:
    commands: CommandLog
    replies: Replies
    reader: Reader
    keys: ApiKeys
    notices: NoticeReader
    kept: NoticeLog
    known: NoticeMemory
    readiness: Readiness
    livemode: bool
    """Whether this system moves real money: only keys of the same mode open it."""
