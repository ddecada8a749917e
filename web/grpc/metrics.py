"""What is counted of calls over gRPC, for Prometheus: by method and status, never by what was asked."""

from grpc import StatusCode
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from web.metrics import LATENCY_BUCKETS_S


class GrpcMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.seconds = Histogram(
            "millrace_grpc_request_duration_seconds",
            "From a call's beginning to its status, waiting for the provider included. Not of streams.",
            ("method",),
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self._answers = Counter(
            "millrace_grpc_requests_total",
            "Calls ended, by their gRPC status; CANCELLED: the client left, or its deadline passed.",
            ("method", "code"),
            registry=registry,
        )
        self.problems = Counter(
            "millrace_grpc_problems_total",
            "Calls ended with a problem, by its code.",
            ("method", "code"),
            registry=registry,
        )
        self.in_flight = Gauge(
            "millrace_grpc_requests_in_flight", "Calls being answered now; not streams.", registry=registry
        )
        self.watches = Gauge("millrace_grpc_watches", "Streams that are open.", registry=registry)

    def ended(self, method: str, status: StatusCode) -> None:
        self._answers.labels(method, status.name).inc()
