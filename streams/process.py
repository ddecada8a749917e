"""What every agent process has around its role: settings, logs, the delivery app, health. One call each."""

import sys
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from streams.crashpoints import Crashpoint, crashpoints
from streams.delivery import App, serve
from streams.health import serve_health
from streams.kafka_clients import credentials
from streams.logs import start_logging
from streams.settings import Settings, SettingsRefused, load
from streams.topics import DEAD_LETTERS
from streams.tracing import UNTRACED, Tracing


class Process:
    """One agent: `role` names its consumer group."""

    def __init__(self, role: str, settings: Settings, stall_s: float = 60.0) -> None:
        self.settings = settings
        self.crashpoint: Crashpoint = crashpoints(settings.crashpoints_dir)
        self.registry = registry()
        self.tracing = tracing(settings, role)
        self.app = App(
            f"{settings.group_prefix}-{role}",
            bootstrap=settings.kafka_bootstrap,
            dead_letters=DEAD_LETTERS,
            partitions=settings.partitions,
            instance_id=settings.instance or None,
            session_timeout_s=settings.session_timeout_s,
            drain_s=settings.drain_s,
            stall_s=stall_s,
            credentials=credentials(settings),
            crashpoint=self.crashpoint,
        )

    def gauge(self, name: str, meaning: str, read: Callable[[], float]) -> None:
        """One more number of /metrics, read when it is asked for."""
        Gauge(name, meaning, registry=self.registry).set_function(read)

    def counter(self, name: str, meaning: str) -> Callable[[int], None]:
        """One more number of /metrics, raised by what is called."""
        return Counter(name, meaning, registry=self.registry).inc

    async def serve(self) -> None:
        health = await serve_health(
            self.app, self.settings.health_host, self.settings.health_port, self.registry
        )
        await self.app.serve()
        if health:
            await health.cleanup()
        await self.tracing.stop()


def registry() -> CollectorRegistry:
    """For the numbers of /metrics; what Python and the system count of this process is in it."""
    made = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=made)
    return made


def tracing(settings: Settings, role: str) -> Tracing:
    """As the settings say; OpenTelemetry is loaded only where it is used."""
    if settings.otlp_endpoint is None:
        return UNTRACED
    from streams.tracing.otlp import OtlpTracing, exporter_to

    exporter = exporter_to(settings.otlp_endpoint)
    return OtlpTracing(exporter, role, settings.instance or role, settings.trace_ratio)


def run(role: str, compose: Callable[[Settings], Coroutine[Any, Any, None]]) -> NoReturn:
    """Load the settings, start the logs, run `compose`. Exit status 78 (EX_CONFIG) for settings that cannot be used."""
    # a series more for each that counts, of when it began
    disable_created_metrics()  # type: ignore[no-untyped-call]
    try:
        settings = load()
    except SettingsRefused as refused:
        _refuse(role, refused)
    start_logging(settings.instance or role, settings.log_level)
    serve(_composed(role, compose, settings))


async def _composed(
    role: str, compose: Callable[[Settings], Coroutine[Any, Any, None]], settings: Settings
) -> None:
    """Some settings are refused where they are used; that is no failure of the process."""
    try:
        await compose(settings)
    except SettingsRefused as refused:
        _refuse(role, refused)


def _refuse(role: str, refused: SettingsRefused) -> NoReturn:
    print(f"millrace {role}: {refused}", file=sys.stderr)
    sys.exit(78)
