"""Traces as the rest of the service sees them: a span around some work, and the `traceparent` to hand on. Where spans go is
`otlp.py`'s.

A trace is named on every stretch of the way by one `traceparent`: the HTTP header, the Kafka header, Stripe's. What is the parent
of what is always said by such a name, never by what happens to run; so a span's parent may be in another process.
Source: W3C Trace Context, sections 2.2 and 3.2.
"""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar, Token
from typing import Literal, Protocol

Kind = Literal["server", "client", "producer", "consumer"]
Attributes = Mapping[str, str | int]
"""By OpenTelemetry's names where it has one. Source: OpenTelemetry, semantic conventions 1.40, HTTP and messaging."""

PAYMENT = "millrace.payment.id"
"""The one id that spans tell: by it all traces of a payment are found, also those of what nobody asked for in time."""

_TRACEPARENT = re.compile(
    r"(?P<version>(?!ff)[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})-(?P<span>(?!0{16})[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})"
    r"(?P<more>-[\x21-\x7e]*)?",
    re.ASCII,
)
SAMPLED, KNOWN_FLAGS = 0x01, 0x03
TRACEPARENT_MAX_CHARS = 128
"""Of version 00: 55. A later version may say more behind it, which is not read."""

_current: ContextVar[str | None] = ContextVar("traceparent", default=None)


class Span(Protocol):
    @property
    def traceparent(self) -> str | None:
        """To be handed on: whoever takes it makes its spans children of this one. None: there is no trace."""

    @property
    def is_recorded(self) -> bool: ...

    def note(self, attributes: Attributes) -> None:
        """What else is known of it by now."""

    def fail(self, why: str) -> None:
        """`why`: a short name of what went wrong. Never what somebody sent, nor what an exception says."""


class Tracing(Protocol):
    def span(
        self, name: str, kind: Kind, parent: str | None, attributes: Attributes
    ) -> AbstractContextManager[Span]:
        """`name` and `attributes` hold no secrets, and no ids but a payment's and Stripe's of a request. `parent`: a traceparent,
        from wherever; what is none begins a trace. What escapes the block fails the span.
        """

    async def stop(self) -> None:
        """Send what is left, within a bound."""


def valid(given: str | bytes | None) -> str | None:
    """A traceparent as this version writes it; None for what is none. A later version's is taken by what this one knows of it."""
    if not given or len(given) > TRACEPARENT_MAX_CHARS:
        return None
    text = given.decode("latin-1") if isinstance(given, bytes) else given
    found = _TRACEPARENT.fullmatch(text)
    if found is None:
        return None
    if found["version"] == "00":
        return None if found["more"] else text
    return f"00-{found['trace']}-{found['span']}-{int(found['flags'], 16) & KNOWN_FLAGS:02x}"


def is_sampled(traceparent: str) -> bool:
    return bool(int(traceparent[-2:], 16) & SAMPLED)


def on_kafka(operation: Literal["send", "process", "receive"], topic: str, key: bytes | None) -> Attributes:
    """What is said of a span over a record. `key`: the payment's id."""
    return {
        "messaging.system": "kafka",
        "messaging.destination.name": topic,
        "messaging.operation.type": operation,
        PAYMENT: (key or b"").decode("latin-1"),
    }


def current() -> str | None:
    """Of the span that this task is in; for what lies below it, and for its log lines."""
    return _current.get()


class Passed:
    """No span: what came in is handed on as it is."""

    __slots__ = ("_before", "traceparent")
    is_recorded = False

    def __init__(self, traceparent: str | None) -> None:
        self.traceparent = traceparent
        self._before: Token[str | None] | None = None

    def __enter__(self) -> "Passed":
        self._before = _current.set(self.traceparent)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._before is not None
        _current.reset(self._before)

    def note(self, attributes: Attributes) -> None:
        pass

    def fail(self, why: str) -> None:
        pass


class _Untraced:
    def span(self, name: str, kind: Kind, parent: str | None, attributes: Attributes) -> Passed:
        return Passed(valid(parent))

    async def stop(self) -> None:
        pass


UNTRACED: Tracing = _Untraced()
"""Records nothing, and hands every traceparent on."""
