"""One payment is one trace, from its door to Stripe and back, whoever began it."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from models import ids
from models.commands import CreatePayment, Origin
from models.money import Money
from models.terms import PaymentTerms
from streams.delivery.logs import LINES_PER_WINDOW
from streams.kafka_clients import client_settings
from streams.topics import COMMANDS, EVENTS, REPLIES
from streams.tracing import PAYMENT
from streams.wire import cloudevents
from streams.wire.commands import CommandCodec
from tests.deployed.collector import Span
from tests.deployed.conftest import TOLD_WITHIN_S, Client, Deployment
from tests.system.waiting import until

SEND, TAKE, ACT, HEAR = f"send {COMMANDS}", f"process {COMMANDS}", f"process {EVENTS}", f"receive {REPLIES}"
PAYMENTS_WITHOUT = 10
AWAY_LINES_MAX = 4 * 3 * LINES_PER_WINDOW
"""Four processes, three things that can be said of it."""
ASK_STRIPE = "POST /payment_intents"


async def spans_of(
    deployment: Deployment, payment_id: str, wanted: Callable[[list[Span]], bool]
) -> list[Span]:
    """All of the traces that tell of the payment, once what is wanted is among them."""

    def found() -> list[Span]:
        seen = list(deployment.collector.spans)
        traces = {span.trace for span in seen if span.attributes.get(PAYMENT) == payment_id}
        of_it = [span for span in seen if span.trace in traces]
        return of_it if wanted(of_it) else []

    return await until(found, TOLD_WITHIN_S, "what is wanted among the spans")


def named(spans: Sequence[Span], *names: str) -> bool:
    return {*names} <= {span.name for span in spans}


def orphans(spans: Sequence[Span]) -> list[Span]:
    known = {span.id for span in spans}
    return [span for span in spans if span.parent and span.parent not in known]


def way_to(spans: Sequence[Span], last: Span) -> list[str]:
    """The names from the beginning of the trace to `last`."""
    by_id = {span.id: span for span in spans}
    way = [last]
    while way[-1].parent in by_id:
        way.append(by_id[way[-1].parent])
    return [span.name for span in reversed(way)]


def only(spans: Sequence[Span], name: str, service: str) -> Span:
    [found] = [span for span in spans if (span.name, span.service) == (name, service)]
    return found


def is_whole_by_http(spans: list[Span]) -> bool:
    """A webhook may begin a trace of its own: the payment's is the one that has asked Stripe."""
    return named(spans, "POST /v1/payments", HEAR, ASK_STRIPE) and not orphans(trace_with(spans, ASK_STRIPE))


def trace_with(spans: Sequence[Span], name: str) -> list[Span]:
    traces = {span.trace for span in spans if span.name == name}
    return [span for span in spans if span.trace in traces]


async def test_a_payment_by_http_is_one_trace_from_the_door_to_stripe_and_back(
    deployment: Deployment, client: Client
) -> None:
    _, _, payment = await client.pay(str(uuid4()))
    spans = trace_with(await spans_of(deployment, payment["id"], is_whole_by_http), ASK_STRIPE)
    assert len({span.trace for span in spans}) == 1
    [root] = [span for span in spans if not span.parent]
    assert (root.service, root.name, root.kind) == ("web", "POST /v1/payments", "server")
    assert way_to(spans, only(spans, ASK_STRIPE, "gateway")) == [root.name, SEND, TAKE, ACT, ASK_STRIPE]
    assert way_to(spans, only(spans, HEAR, "web")) == [root.name, SEND, TAKE, ACT, TAKE, HEAR]
    assert root.attributes == {
        "http.request.method": "POST",
        "http.route": "/v1/payments",
        "http.response.status_code": 201,
        "url.scheme": "https",
    }
    asked = only(spans, ASK_STRIPE, "gateway")
    assert asked.kind == "client"
    assert asked.attributes["http.response.status_code"] == 200
    assert asked.attributes["url.template"] == "/v1/payment_intents"
    assert not any(span.failed for span in spans)
    assert deployment.collector.paths == {"/v1/traces"}


async def test_no_span_holds_a_key_a_secret_or_what_a_customer_wrote(
    deployment: Deployment, client: Client
) -> None:
    key = f"canary-{uuid4()}"
    _, _, payment = await client.pay(key, description="canary text", receipt_email="canary@example.com")
    spans = await spans_of(deployment, payment["id"], is_whole_by_http)
    told = " ".join(f"{span.name} {span.attributes}" for span in spans)
    for secret in ("canary", "sk_test", "mr_test", "pm_card", payment["merchant"]):
        assert secret not in told


async def pay_by_kafka(deployment: Deployment, trace: str | None) -> str:
    """As an upstream service does; the payment's id."""
    settings = deployment.settings()
    uuid = ids.command_uuid(deployment.merchant["id"], str(uuid4()))
    origin = Origin(str(uuid), ids.payment_id(uuid), deployment.merchant["id"], datetime.now(UTC))
    command = CreatePayment(origin, PaymentTerms(Money(1999, "usd"), "pm_card_visa"))
    out = CommandCodec(settings.partitions, b"").write(command, trace=trace)
    async with AIOKafkaProducer(acks="all", **client_settings(settings)) as producer:
        await producer.send_and_wait(out.topic, out.value, out.key, out.partition, headers=list(out.headers))
    return origin.payment_id


def is_whole_by_kafka(spans: list[Span]) -> bool:
    """The command taken in, Stripe asked, the outcome taken in."""
    trace = trace_with(spans, ASK_STRIPE)
    return sum(span.name == TAKE for span in trace) >= 2 and named(trace, ACT)


async def test_a_payment_by_kafka_that_brings_no_trace_begins_one_at_the_writer(
    deployment: Deployment,
) -> None:
    payment_id = await pay_by_kafka(deployment, None)
    spans = trace_with(await spans_of(deployment, payment_id, is_whole_by_kafka), ASK_STRIPE)
    assert orphans(spans) == []
    [root] = [span for span in spans if not span.parent]
    assert (root.service, root.name, root.attributes["millrace.command"]) == (
        "writer",
        TAKE,
        "payment.create.v1",
    )
    assert way_to(spans, only(spans, ASK_STRIPE, "gateway")) == [TAKE, ACT, ASK_STRIPE]


async def test_a_payment_by_kafka_goes_on_with_the_trace_it_brings(deployment: Deployment) -> None:
    trace, upstream = uuid4().hex, uuid4().hex[:16]
    payment_id = await pay_by_kafka(deployment, f"00-{trace}-{upstream}-01")
    spans = trace_with(await spans_of(deployment, payment_id, is_whole_by_kafka), ASK_STRIPE)
    assert {span.trace for span in spans} == {trace}
    assert {span.parent for span in orphans(spans)} == {upstream}
    assert await headers_of_events(deployment, payment_id) == {trace}


async def test_who_does_not_record_their_trace_is_not_recorded_and_finds_it_on_the_events(
    deployment: Deployment, client: Client
) -> None:
    trace, span = uuid4().hex, uuid4().hex[:16]
    _, headers, payment = await client.pay(str(uuid4()), traceparent=f"00-{trace}-{span}-00")
    assert headers["Request-Id"]
    assert await headers_of_events(deployment, payment["id"]) == {trace}
    await client.pay(str(uuid4()))  # what came before it has been sent by then
    await asyncio.sleep(2)
    assert trace not in {each.trace for each in deployment.collector.spans}


async def test_a_collector_that_is_away_holds_up_no_payment_and_is_not_cried_for(
    deployment: Deployment, client: Client
) -> None:
    def said() -> int:
        return sum(
            path.read_text().count("opentelemetry") for path in deployment.service.folder.logs.glob("*.log")
        )

    before = said()
    with deployment.collector.away():
        began = time.monotonic()
        made = [await client.pay(str(uuid4())) for _ in range(PAYMENTS_WITHOUT)]
        assert {status for status, _, _ in made} == {201}
        assert time.monotonic() - began < PAYMENTS_WITHOUT  # no send's time-out is in any of them
        assert await until(lambda: said() > before, TOLD_WITHIN_S, "a line about the collector")
        assert said() - before <= AWAY_LINES_MAX
    _, _, payment = await client.pay(str(uuid4()))
    assert await spans_of(deployment, payment["id"], is_whole_by_http)


async def headers_of_events(deployment: Deployment, payment_id: str) -> set[str]:
    """The trace that each event of the payment names, up to its capture; also an upstream's consumers are told it."""
    found: dict[str, Any] = {}
    consumer = AIOKafkaConsumer(
        EVENTS,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        **client_settings(deployment.settings()),
    )
    async with asyncio.timeout(TOLD_WITHIN_S), consumer:
        async for record in consumer:
            if record.key == payment_id.encode():
                type = cloudevents.required(record.headers, "ce_type")
                found[type] = (cloudevents.trace(record.headers) or "-none").split("-")[1]
                if type == "payment.captured.v1":
                    return set(found.values())
    raise AssertionError("no capture")
