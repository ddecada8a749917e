"""What the door counts, for Prometheus. Labels are routes and codes, never ids: their number is bounded."""

from collections.abc import Callable, Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

LATENCY_BUCKETS_S = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60)
"""From a cached read to the longest wait."""


REQUESTS = (
    ("millrace_http_requests_total", "Requests answered.", ("method", "route", "status")),
    ("millrace_http_problems_total", "Requests answered with a problem, by its code.", ("route", "code")),
)
COMMANDS = (
    ("millrace_commands_sent_total", "Commands that Kafka has acknowledged.", ("type",)),
    ("millrace_commands_unsent_total", "Commands not acknowledged, or in doubt: answered 503.", ("type",)),
    ("millrace_replies_late_total", "Replies that were waited for and did not come in time.", ("type",)),
    ("millrace_replies_replayed_total", "Commands answered from what was remembered.", ("type",)),
)
CALLERS = (
    (
        "millrace_rate_limited_total",
        "Refused because a key, or its merchant, asked for too much.",
        ("limit",),
    ),
    ("millrace_notices_total", "Stripe's webhooks, by what became of them.", ("fate",)),
)
"""Each counter's name, what it counts, and its labels."""


class DoorMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.seconds = Histogram(
            "millrace_http_request_duration_seconds",
            "From the request's headers to the answer's, waiting for the provider included.",
            ("method", "route"),
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.answers, self.problems = self._counters(REQUESTS)
        self.commands, self.unsent, self.replies_late, self.replayed = self._counters(COMMANDS)
        self.rate_limited, self.notices = self._counters(CALLERS)
        self._children: dict[tuple[str, str, int], tuple[Histogram, Counter]] = {}
        meaning = "Requests being answered now."
        self.in_flight = Gauge("millrace_http_requests_in_flight", meaning, registry=registry)

    def _counters(self, told: Sequence[tuple[str, str, tuple[str, ...]]]) -> Iterator[Counter]:
        return (Counter(name, meaning, labels, registry=self.registry) for name, meaning, labels in told)

    def certificate(self, ends_at_s: Callable[[], float]) -> None:
        """For a door that has one."""
        Gauge(
            "millrace_tls_certificate_expiry_timestamp_seconds",
            "When the door's certificate ends, in seconds since 1970.",
            registry=self.registry,
        ).set_function(ends_at_s)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        name = method, route, status
        children = self._children.get(name)
        if children is None:  # finding them by their labels costs more than counting
            labels = self.seconds.labels(method, route), self.answers.labels(method, route, str(status))
            children = self._children[name] = labels
        children[0].observe(seconds)
        children[1].inc()
