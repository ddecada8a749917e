"""Spans by OpenTelemetry's SDK, sent by OTLP over HTTP in the background. Nothing else in the project knows OpenTelemetry.

Nobody waits for a span. The queue is bounded, what does not fit is dropped; a collector that is away costs a thread that tries.
`OTEL_EXPORTER_OTLP_HEADERS`, `…_CERTIFICATE` and `…_COMPRESSION` mean what they mean everywhere; all else is a setting.
"""

import asyncio
import threading
from contextvars import Token
from types import TracebackType

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span as RecordedSpan
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from streams.delivery.logs import limit_rate
from streams.tracing import Attributes, Kind, Passed, Span, _current, is_sampled, valid

PATH = "/v1/traces"
QUEUE_MAX = 4096
"""Spans not sent yet, about 2 kB each. A payment is some ten of them in all processes together."""
BATCH_MAX = 512
EVERY_S = 1.0
SEND_TIMEOUT_S = 5.0
"""For one batch with its repetitions; longer, and the queue is full of newer ones."""
FLUSH_S = 2.0
"""For what is left when the process stops: its supervisor's patience is not for that."""

_KINDS: dict[Kind, SpanKind] = {
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
}


def exporter_to(endpoint: str) -> SpanExporter:
    """`endpoint`: a collector's, with or without the path that OTLP has for traces. Source: OTLP 1.8, OTLP/HTTP request."""
    url = endpoint.rstrip("/")
    return OTLPSpanExporter(url if url.endswith(PATH) else url + PATH, timeout=SEND_TIMEOUT_S)


class OtlpTracing:
    """`process`: its lasting name, `writer-0`. `ratio`: of the traces that begin here; of one that began elsewhere it was decided
    there.
    """

    def __init__(self, exporter: SpanExporter, role: str, process: str, ratio: float) -> None:
        limit_rate("opentelemetry")
        named = {"service.name": f"millrace-{role}", "service.instance.id": process}
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(ratio)),
            resource=Resource.create(named),
            shutdown_on_exit=False,  # it would wait for half a minute
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter, QUEUE_MAX, EVERY_S * 1000, BATCH_MAX))
        self._tracer = self._provider.get_tracer("millrace")

    def span(self, name: str, kind: Kind, parent: str | None, attributes: Attributes) -> "Passed | _Recorded":
        parent = valid(parent)
        if parent is not None and not is_sampled(parent):
            return Passed(parent)
        within = set_span_in_context(NonRecordingSpan(_context(parent))) if parent else None
        span = self._tracer.start_span(name, within, _KINDS[kind], attributes)
        named = _name(span.get_span_context())
        return _Recorded(span, named) if isinstance(span, RecordedSpan) else Passed(named)

    async def stop(self) -> None:
        """At most FLUSH_S. The SDK's own shutdown waits for half a minute where the collector is away."""
        stopping = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        stopping.start()
        await asyncio.to_thread(stopping.join, FLUSH_S)


class _Recorded:
    __slots__ = ("_before", "_span", "traceparent")
    is_recorded = True

    def __init__(self, span: RecordedSpan, traceparent: str) -> None:
        self._span, self.traceparent = span, traceparent
        self._before: Token[str | None] | None = None

    def __enter__(self) -> Span:
        self._before = _current.set(self.traceparent)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._before is not None
        _current.reset(self._before)
        if kind is not None:
            self.fail(kind.__name__)
        self._span.end()

    def note(self, attributes: Attributes) -> None:
        self._span.set_attributes(attributes)

    def fail(self, why: str) -> None:
        self._span.set_attribute("error.type", why)
        self._span.set_status(StatusCode.ERROR)


def _context(traceparent: str) -> SpanContext:
    _, trace, span, flags = traceparent.split("-")
    return SpanContext(int(trace, 16), int(span, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))


def _name(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
