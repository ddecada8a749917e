"""A span for each request that is somebody's, named by its route, and its trace on what the request leads to."""

from collections.abc import AsyncIterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from streams.tracing.otlp import OtlpTracing
from tests.web.fakes import PAYMENT, Door, open_door
from tests.web.hearing import GOOD_SIGNATURE
from tests.web.service import Service

TRACE_ID = "a" * 32
CLIENTS = f"00-{TRACE_ID}-{'b' * 16}-01"
UNKNOWN_PAYMENT = f"/v1/payments/pay_{'0' * 32}"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
async def traced(exporter: InMemorySpanExporter) -> AsyncIterator[Door]:
    tracing = OtlpTracing(exporter, "web", "web-0", 1.0)
    async with open_door(Service(tracing=tracing)) as door:
        yield door
    await tracing.stop()


async def told(door: Door, exporter: InMemorySpanExporter) -> list[tuple[str, object, bool]]:
    """Name, status and whether it failed, of each span; nothing is traced after it."""
    await door.service.tracing.stop()
    return [
        (span.name, (span.attributes or {}).get("http.response.status_code"), not span.status.is_unset)
        for span in exporter.get_finished_spans()
    ]


async def test_each_request_is_a_span_named_by_its_route_and_only_our_own_failures_fail_it(
    traced: Door, exporter: InMemorySpanExporter
) -> None:
    await traced.post("/v1/payments", PAYMENT)
    await traced.get(UNKNOWN_PAYMENT)
    await traced.get("/nowhere/4000056655665556")
    await traced.ask("DELETE", "/v1/payments")
    traced.service.breaks = True
    await traced.get(UNKNOWN_PAYMENT)
    for probe in ("/livez", "/readyz", "/metrics"):
        await traced.get(probe)
    assert await told(traced, exporter) == [
        ("POST /v1/payments", 201, False),
        ("GET /v1/payments/{payment_id}", 404, False),
        ("GET (none)", 404, False),
        ("DELETE (none)", 405, False),
        ("GET /v1/payments/{payment_id}", 500, True),
    ]


async def test_what_a_request_leads_to_is_the_child_of_its_span(
    traced: Door, exporter: InMemorySpanExporter
) -> None:
    await traced.post("/v1/payments", PAYMENT, "1", traceparent=CLIENTS)
    await traced.post("/v1/payments", PAYMENT, "2", traceparent="nonsense")
    await traced.ask(
        "POST", "/webhooks/stripe", b"pi_1", Stripe_Signature=GOOD_SIGNATURE, traceparent=CLIENTS
    )
    await told(traced, exporter)
    made = [
        f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-"
        for span in exporter.get_finished_spans()
    ]
    assert [trace and trace[:-2] for trace in traced.service.traces] == made
    assert [TRACE_ID in name for name in made] == [True, False, True]
