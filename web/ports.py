"""What the door is plugged into: the core's ports, and two that only a door needs."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
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
    Tokens,
    View,
)


class Reader(PaymentReader, Protocol):
    """Reads payments, and knows which it must not show an older state of."""

    async def reached(self, payment_id: str, sequence: int, timeout_s: float) -> bool:
        """Whether what is read of the payment is as new as `sequence`, in time."""
        ...

    async def remember(self, payment: View) -> None:
        """Before `payment` is shown: whoever reads it from now on, anywhere, sees this state or a newer one."""
        ...


class Listener(Protocol):
    async def news(self, timeout_s: float) -> dict[str, tuple[int, int]]:
        """By payment, the first and the last sequence since it was asked before; empty: none in time. Raises Unavailable."""
        ...


class Signals(Protocol):
    def listen(self, merchant: str, payment_id: str | None) -> AbstractAsyncContextManager[Listener]:
        """News of the payment, or of all of the merchant's, from now on. Raises Unavailable."""
        ...


Missing = Mapping[str, str]
"""By the part that is not there (`kafka`, `postgres` …): what is wrong with it. Empty: ready."""

Readiness = Callable[[], Awaitable[Missing]]


@dataclass(frozen=True, slots=True)
class Ports:
    commands: CommandLog
    replies: Replies
    reader: Reader
    signals: Signals
    keys: ApiKeys
    notices: NoticeReader
    kept: NoticeLog
    known: NoticeMemory
    readiness: Readiness
    livemode: bool
    """Whether this system moves real money: only keys of the same mode open it."""
    tokens: Tokens | None = None
    """None: only API keys open it."""
