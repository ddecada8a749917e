"""What the door is plugged into: the core's ports, and two that only a door needs."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from models.callers import ApiKeys, RateLimiter, Tokens
from models.ports import (
    AnalyticsReader,
    CommandLog,
    NoticeLog,
    NoticeMemory,
    NoticeReader,
    PaymentReader,
    Replies,
    View,
)
from models.webhook_endpoints import WebhookEndpoints


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


class Span(Protocol):
    @property
    def traceparent(self) -> str | None:
        """For what the work leads to; None: there is no trace."""

    def note(self, attributes: Mapping[str, str | int]) -> None: ...

    def fail(self, why: str) -> None:
        """`why`: a short name. Never what somebody sent."""


class Tracing(Protocol):
    def span(
        self,
        name: str,
        kind: Literal["server"],
        parent: str | None,
        attributes: Mapping[str, str | int],
    ) -> AbstractContextManager[Span]:
        """Around the answering of one request. `parent`: its `traceparent` as it came, whatever it is."""
        ...


Missing = Mapping[str, str]
"""By the part that is not there (`kafka`, `postgres` …): what is wrong with it. Empty: ready."""

Readiness = Callable[[], Awaitable[Missing]]


@dataclass(frozen=True, slots=True)
class Ports:
    commands: CommandLog
    replies: Replies
    reader: Reader
    analytics: AnalyticsReader
    webhooks: WebhookEndpoints
    url_refused: Callable[[str], str | None]
    """What is wrong with the URL of a merchant's endpoint, or None."""
    signals: Signals
    keys: ApiKeys
    limiter: RateLimiter
    notices: NoticeReader
    kept: NoticeLog
    known: NoticeMemory
    readiness: Readiness
    tracing: Tracing
    livemode: bool
    """Whether this system moves real money: only keys of the same mode open it."""
    tokens: Tokens | None = None
    """None: only API keys open it."""
