"""What an agent process answers over HTTP: /livez, /readyz (what is missing) and /metrics. On loopback by default."""

from collections.abc import Iterable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from streams.delivery import App

COMMIT_BUCKETS_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
"""From an idle broker's to a transaction's time-out."""


class DeliveryCollector:
    """The delivery's numbers, in Prometheus' words, read when they are asked for."""

    def __init__(self, app: App) -> None:
        self._app = app

    def collect(self) -> Iterable[Metric]:
        numbers = self._app.metrics
        lag = GaugeMetricFamily(
            "millrace_lag_records",
            "Records of the source that are not finished.",
            labels=["topic", "partition"],
        )
        for tp, records in numbers.lag.items():
            lag.add_metric([tp.topic, str(tp.partition)], records)
        yield lag
        yield GaugeMetricFamily(
            "millrace_recovery_duration_seconds",
            "How long the last reading back of the table took (writer).",
            numbers.recovery_s,
        )
        yield GaugeMetricFamily(
            "millrace_ready", "1: partitions are assigned and recovered.", float(numbers.ready)
        )
        yield GaugeMetricFamily(
            "millrace_rebalances_last_minute",
            "Rebalances within the last minute; many: the group does not settle.",
            numbers.rebalances_per_minute,
        )
        for name, meaning, value in (
            ("records", "Records finished.", numbers.records),
            ("dead_letters", "Records set aside because they could not be handled.", numbers.dead_letters),
            ("transactions", "Kafka transactions committed (writer).", numbers.transactions),
            (
                "commits_failed",
                "Offset commits refused during a rebalance; these records come again.",
                numbers.commits_failed,
            ),
            ("answers_sent", "Replies sent (writer).", numbers.answers_sent),
            ("answers_dropped", "Replies that nobody could be given (writer).", numbers.answers_dropped),
            ("rebalances", "Rebalances seen.", numbers.rebalances),
        ):
            yield CounterMetricFamily(f"millrace_{name}", meaning, value)


async def serve_health(app: App, host: str, port: int, registry: CollectorRegistry) -> web.AppRunner | None:
    """Listen until the process ends; None when `port` is 0."""
    if port == 0:
        return None
    registry.register(DeliveryCollector(app))
    commits = Histogram(
        "millrace_commit_duration_seconds",
        "A Kafka transaction or an offset commit, from its beginning to its acknowledgement.",
        buckets=COMMIT_BUCKETS_S,
        registry=registry,
    )
    app.metrics.on_commit_s = commits.observe

    async def livez(_: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readyz(_: web.Request) -> web.Response:
        missing = [] if app.metrics.ready else ["kafka: partitions not assigned or not recovered yet"]
        return web.json_response({"ready": not missing, "missing": missing}, status=503 if missing else 200)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    routes = web.Application()
    routes.add_routes([web.get("/livez", livez), web.get("/readyz", readyz), web.get("/metrics", metrics)])
    runner = web.AppRunner(routes, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
