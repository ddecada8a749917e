"""What is seen of each send to Stripe: a span in its payment's trace, and how long it took. Nothing is sent or decided here."""

import re
import time
from collections.abc import Awaitable
from typing import Protocol, TypeVar

from prometheus_client import Histogram

from streams.tracing import UNTRACED, Tracing, current

SECONDS_BUCKETS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8, 15, 25)
"""From a read to the longest send; Stripe takes some 300 ms for a charge."""

_ID = re.compile(r"/(?:pi|re)_\w+(?=/|$)", re.ASCII)


def endpoint_of(method: str, path: str) -> str:
    """What Stripe counts by. Source: Stripe, rate limits: objects of one kind share their endpoint."""
    return f"{method} {_ID.sub('/:id', path.removeprefix('/v1'))}"


class Heard(Protocol):
    @property
    def status(self) -> int | None:
        """None: nothing that can be read came back."""

    @property
    def request_id(self) -> str | None: ...


H = TypeVar("H", bound=Heard)


class Watch:
    """One for all accounts. `seconds` belongs to a registry once somebody registers it."""

    def __init__(self, tracing: Tracing = UNTRACED) -> None:
        self._tracing = tracing
        self.seconds = Histogram(
            "millrace_stripe_request_duration_seconds",
            "One send to Stripe, from its turn to its answer; status `none`: no answer.",
            ("endpoint", "status"),
            buckets=SECONDS_BUCKETS,
            registry=None,
        )

    async def over(self, method: str, path: str, host: str, send: Awaitable[H]) -> H:
        """What `send` gives. It is in the trace of the running task; in none, where that has none: looks for missed notices."""
        endpoint, began = endpoint_of(method, path), time.perf_counter()
        about = {"http.request.method": method, "url.template": path_of(endpoint), "server.address": host}
        tracing = self._tracing if current() else UNTRACED
        with tracing.span(endpoint, "client", current(), about) as span:
            heard = await send
            if heard.status is None:
                span.fail("no_answer")
            else:
                span.note({"http.response.status_code": heard.status})
                if heard.status >= 500:
                    span.fail(str(heard.status))
            if span.is_recorded and heard.request_id:
                span.note({"millrace.stripe.request_id": heard.request_id})
        self.seconds.labels(endpoint, heard.status or "none").observe(time.perf_counter() - began)
        return heard


def path_of(endpoint: str) -> str:
    return f"/v1{endpoint.partition(' ')[2]}"
