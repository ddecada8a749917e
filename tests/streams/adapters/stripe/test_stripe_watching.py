"""Each send to Stripe is a span of its payment's trace, and a number by its endpoint."""

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from streams.adapters.stripe_transport import StripeTransport
from streams.adapters.stripe_watching import Watch
from streams.tracing import UNTRACED, Tracing
from streams.tracing.otlp import OtlpTracing
from tests.streams.adapters.stripe.stripe_world import error, http, scripted

SAMPLED = f"00-{'a' * 32}-{'b' * 16}-01"
PATH, ENDPOINT = "/v1/payment_intents/pi_1", "GET /payment_intents/:id"


def traces_in(request: bytes) -> list[str]:
    head = request.decode().lower().partition("\r\n\r\n")[0].split("\r\n")
    return [line.partition(": ")[2] for line in head if line.startswith("traceparent:")]


async def send(watch: Watch, tracing: Tracing, *parents: str | None) -> list[bytes]:
    """One send within each; the first is answered by 503."""
    async with scripted(http(503, error("api_error")), *[http(200, {"id": "pi_1"})] * len(parents)) as server:
        transport = StripeTransport("sk_test_golden", server.url, watch=watch)
        for parent in parents:
            if parent is None:
                await transport.get(PATH, {}, 5.0)
            else:
                with tracing.span("gateway", "consumer", parent, {}):
                    await transport.get(PATH, {}, 5.0)
        await transport.close()
        return list(server.received)


async def test_a_send_is_a_span_of_the_trace_it_is_in_and_tells_stripe_its_name() -> None:
    exporter = InMemorySpanExporter()
    tracing = OtlpTracing(exporter, "gateway", "gateway-0", 1.0)
    received = await send(Watch(tracing), tracing, SAMPLED, SAMPLED)
    await tracing.stop()
    spans = [span for span in exporter.get_finished_spans() if span.name == ENDPOINT]
    assert [f"00-{s.context.trace_id:032x}-{s.context.span_id:016x}-01" for s in spans] == [
        trace for request in received for trace in traces_in(request)
    ]
    assert [span.status.is_ok or span.status.is_unset for span in spans] == [False, True]
    assert [(span.attributes or {})["http.response.status_code"] for span in spans] == [503, 200]


async def test_a_send_that_belongs_to_no_payment_begins_no_trace() -> None:
    exporter = InMemorySpanExporter()
    tracing = OtlpTracing(exporter, "gateway", "gateway-0", 1.0)
    [request] = await send(Watch(tracing), tracing, None)
    await tracing.stop()
    assert traces_in(request) == []
    assert exporter.get_finished_spans() == ()


async def test_without_traces_what_came_goes_along_and_sends_are_counted_all_the_same() -> None:
    watch = Watch()
    received = await send(watch, UNTRACED, SAMPLED, None)
    assert [traces_in(request) for request in received] == [[SAMPLED], []]
    [family] = watch.seconds.collect()
    counts = {
        (sample.labels["endpoint"], sample.labels["status"]): sample.value
        for sample in family.samples
        if sample.name.endswith("_count")
    }
    assert counts == {(ENDPOINT, "503"): 1.0, (ENDPOINT, "200"): 1.0}


async def test_no_answer_is_counted_as_none() -> None:
    watch = Watch()
    transport = StripeTransport("sk_test_golden", "http://127.0.0.1:1", watch=watch)
    await transport.get(PATH, {}, 5.0)
    await transport.close()
    [family] = watch.seconds.collect()
    assert {sample.labels["status"] for sample in family.samples} == {"none"}
