"""The numbers of merchants' webhooks, in Prometheus' words."""

from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from models.webhooks import Outcome

ATTEMPT_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)
LAG_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300)


class WebhookMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._attempts = Counter(
            "millrace_webhook_attempts",
            "Attempts to deliver a webhook, by what they led to; pending: it is tried again.",
            ["result"],
            registry=registry,
        )
        self._seconds = Histogram(
            "millrace_webhook_attempt_seconds",
            "How long an attempt took.",
            buckets=ATTEMPT_BUCKETS,
            registry=registry,
        )
        self._lag = Histogram(
            "millrace_webhook_lag_seconds",
            "From taking an event in to its delivery, of first attempts that went well.",
            buckets=LAG_BUCKETS,
            registry=registry,
        )
        self.due = Gauge(
            "millrace_webhooks_due",
            "Deliveries that are due and not sent, of endpoints that are not disabled.",
            registry=registry,
        )
        self.due_oldest_s = Gauge(
            "millrace_webhooks_due_oldest_seconds",
            "For how long the oldest of them has been due.",
            registry=registry,
        )

    def attempted(self, outcome: Outcome) -> None:
        self._attempts.labels(outcome.state).inc()
        self._seconds.observe(outcome.answer.seconds)
        if outcome.state == "delivered" and outcome.delivery.number == 1:
            self._lag.observe((datetime.now(UTC) - outcome.delivery.created_at).total_seconds())
