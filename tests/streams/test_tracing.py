"""What is handed on as a trace, what is recorded of it, and that nobody ever waits for that."""

import asyncio
import io
import logging
import socket
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from streams.delivery.logs import LINES_PER_WINDOW
from streams.tracing import UNTRACED, Tracing, current, is_sampled, valid
from streams.tracing.otlp import FLUSH_S, QUEUE_MAX, OtlpTracing, exporter_to

TRACE_ID, SPAN_ID = "a" * 32, "b" * 16
SAMPLED, UNSAMPLED = f"00-{TRACE_ID}-{SPAN_ID}-01", f"00-{TRACE_ID}-{SPAN_ID}-00"


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (SAMPLED, SAMPLED),
        (UNSAMPLED, UNSAMPLED),
        (SAMPLED.encode(), SAMPLED),
        (f"cc-{TRACE_ID}-{SPAN_ID}-09-of-later", SAMPLED),
        (f"00-{TRACE_ID}-{SPAN_ID}-01-more", None),
        (f"ff-{TRACE_ID}-{SPAN_ID}-01", None),
        (f"00-{'0' * 32}-{SPAN_ID}-01", None),
        (f"00-{TRACE_ID}-{'0' * 16}-01", None),
        (SAMPLED.upper(), None),
        (f" {SAMPLED}", None),
        (f"{SAMPLED}\n", None),
        (f"cc-{TRACE_ID}-{SPAN_ID}-01-{'x' * 200}", None),
        ("nonsense", None),
        ("", None),
        (b"\xff" * 55, None),
        (None, None),
    ],
)
def test_a_traceparent_is_taken_as_the_standard_has_it(given: str | bytes | None, taken: str | None) -> None:
    assert valid(given) == taken


@given(st.one_of(st.text(max_size=80), st.binary(max_size=80)))
def test_whatever_stands_there_what_is_handed_on_is_valid(given: str | bytes) -> None:
    taken = valid(given)
    assert taken is None or valid(taken) == taken


def recording(exporter: SpanExporter, ratio: float = 1.0) -> OtlpTracing:
    return OtlpTracing(exporter, "writer", "writer-0", ratio)


async def finished(tracing: OtlpTracing, exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    await tracing.stop()
    return {span.name: span for span in exporter.get_finished_spans()}


async def test_each_span_is_the_child_of_the_one_it_was_handed() -> None:
    exporter = InMemorySpanExporter()
    tracing = recording(exporter)
    with tracing.span("door", "server", SAMPLED, {"http.route": "/v1/payments"}) as door:
        assert current() == door.traceparent
        with tracing.span("log", "producer", door.traceparent, {}) as log:
            log.note({"more": 1})
        assert current() == door.traceparent
    assert current() is None
    spans = await finished(tracing, exporter)
    assert f"{spans['door'].context.trace_id:032x}" == TRACE_ID
    assert f"{spans['door'].parent.span_id:016x}" == SPAN_ID  # type: ignore[union-attr]
    assert spans["log"].parent.span_id == spans["door"].context.span_id  # type: ignore[union-attr]
    assert spans["log"].attributes == {"more": 1}
    assert spans["door"].resource.attributes["service.name"] == "millrace-writer"


async def test_what_its_caller_does_not_record_is_handed_on_and_not_recorded() -> None:
    exporter = InMemorySpanExporter()
    tracing = recording(exporter)
    with tracing.span("any", "server", UNSAMPLED, {}) as span:
        assert (span.traceparent, span.is_recorded) == (UNSAMPLED, False)
    assert await finished(tracing, exporter) == {}


async def test_of_what_begins_here_the_part_is_recorded_that_was_said_and_all_after_it_know() -> None:
    exporter = InMemorySpanExporter()
    tracing = recording(exporter, ratio=0.0)
    with tracing.span("root", "server", None, {}) as root:
        assert root.traceparent is not None
        assert not is_sampled(root.traceparent)
        with tracing.span("child", "consumer", root.traceparent, {}) as child:
            assert child.traceparent == root.traceparent
    with tracing.span("another's", "server", SAMPLED, {}):
        pass
    assert set(await finished(tracing, exporter)) == {"another's"}


async def test_a_failed_span_says_of_which_kind_and_nothing_of_what_was_said() -> None:
    exporter = InMemorySpanExporter()
    tracing = recording(exporter)
    with pytest.raises(ValueError, match="canary"), tracing.span("any", "client", None, {}):
        raise ValueError("sk_test_canary")
    span = (await finished(tracing, exporter))["any"]
    assert not span.status.is_ok
    assert "canary" not in span.to_json()
    assert span.attributes == {"error.type": "ValueError"}


@pytest.mark.parametrize("parent", [None, SAMPLED, UNSAMPLED])
def test_where_nothing_is_recorded_what_came_is_handed_on(parent: str | None) -> None:
    with UNTRACED.span("any", "server", parent, {}) as span:
        assert span.traceparent == current() == parent


def test_the_sdk_of_traces_is_not_even_loaded_where_no_setting_asks_for_it() -> None:
    ask = (
        "import sys, web.__main__, agents.writer.__main__; sys.exit('opentelemetry.sdk.trace' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", ask], check=False).returncode == 0


class Hanging(SpanExporter):
    """A collector that takes a batch and never ends."""

    def export(self, spans: object) -> SpanExportResult:
        time.sleep(30)
        return SpanExportResult.FAILURE


async def test_a_collector_that_hangs_holds_up_neither_work_nor_the_end() -> None:
    tracing: Tracing = recording(Hanging())
    began = time.monotonic()
    for _ in range(QUEUE_MAX + 100):
        with tracing.span("any", "server", None, {}):
            pass
    assert time.monotonic() - began < 20  # of CPU; it would be thirty seconds and more if any of them waited
    began = time.monotonic()
    stopping = asyncio.create_task(tracing.stop())
    await asyncio.sleep(0.05)
    assert time.monotonic() - began < 10, "the loop itself must go on"
    await stopping
    assert time.monotonic() - began < FLUSH_S + 10


async def test_a_collector_that_is_away_is_told_of_a_few_times_and_not_for_every_batch() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    written, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(written)
    root.addHandler(handler)
    try:
        tracing = recording(exporter_to(f"http://127.0.0.1:{port}"))
        for _ in range(2 * QUEUE_MAX):
            with tracing.span("any", "server", None, {}):
                pass
        await tracing.stop()
    finally:
        root.removeHandler(handler)
    assert 1 <= written.getvalue().count("\n") <= 4 * LINES_PER_WINDOW
