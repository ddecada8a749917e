"""GraphQL on the real thing: a payment is made, captured and refunded by one process, and another one tells its story."""

import asyncio
import signal
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.system.history import OK, History
from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.stack import BACK_WITHIN_S, System
from tests.system.waiting import until
from tests.web.graphql.client import PATH, Talk, talk_at

pytestmark = pytest.mark.real

WITHIN_S = 20.0
AUTHORIZED_AT = 2  # of a payment: after its request
STORY = """subscription($id: ID, $after: Int) {
  paymentEvents(paymentId: $id, afterSequence: $after) { type sequence payment { status amountRefunded } } }"""
COMMANDS = {
    "create": ("createPayment", "CreatePaymentInput", "payment { id status amount sequence }"),
    "capture": ("capturePayment", "CapturePaymentInput", "payment { status amountCaptured }"),
    "refund": ("createRefund", "CreateRefundInput", "refund { id status amount }"),
}


class GraphQLClient:
    """A merchant's, at one door; what it asks for is written down as what every other client asks for is."""

    def __init__(
        self, http: aiohttp.ClientSession, door: str, merchant: dict[str, str], history: History
    ) -> None:
        self._http, self._url, self._merchant, self._history = http, door + PATH, merchant, history

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._merchant['api_key']}"}
        body = {"query": query, "variables": variables}
        async with self._http.post(self._url, json=body, headers=headers) as answer:
            told: dict[str, Any] = await answer.json()
            assert "errors" not in told, told
            return dict(told["data"])

    async def command(
        self, type: str, key: str, payment_id: str | None = None, **given: Any
    ) -> dict[str, Any]:
        mutation, input_type, shown = COMMANDS[type]
        asked = given | {"idempotencyKey": key} | ({"paymentId": payment_id} if payment_id else {})
        operation = self._history.begin("graphql", type, self._merchant["id"], key, given, payment_id)
        query = (
            f"mutation($input: {input_type}!) {{ {mutation}(input: $input) {{ settled replayed {shown} }} }}"
        )
        told = (await self.ask(query, input=asked))[mutation]
        self._history.end(operation, OK)
        assert told["settled"] is True
        return dict(told)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


async def types_of(client: Talk, count: int) -> list[str]:
    """Of the next events. That a payment is authorised is told once more where Stripe's notice, which does not say
    until when, came before the answer that does.
    """
    types: list[str] = []
    async with asyncio.timeout(WITHIN_S):
        while len(types) < count:
            [told] = await client.take("1", 1)
            event = told["data"]["paymentEvents"]
            again = event["type"] == "payment.authorized.v1" and event["sequence"] > AUTHORIZED_AT
            types += [] if again else [event["type"]]
    return types


async def test_a_payment_is_made_by_one_process_and_its_story_told_by_another(
    system: System, http: HttpClient, history: History, inquest: Inquest, session: aiohttp.ClientSession
) -> None:
    merchant = system.merchants[0]
    client = GraphQLClient(session, http.doors[0], merchant, history)
    made = await client.command(
        "create",
        "graphql-1",
        amount=1999,
        currency="usd",
        paymentMethod="pm_card_visa",
        captureMethod="manual",
    )
    payment = made["payment"]["id"]
    assert (made["payment"]["status"], made["payment"]["amount"]) == ("authorized", 1999)
    async with talk_at(session, http.doors[1], None) as watching:
        await watching.begin(authorization=f"Bearer {merchant['api_key']}")
        await watching.subscribe("1", STORY, {"id": payment})
        assert await types_of(watching, 2) == ["payment.requested.v1", "payment.authorized.v1"]
        await client.command("capture", "graphql-1-capture", payment, amount=1500)
        assert await types_of(watching, 2) == ["payment.capture_requested.v1", "payment.captured.v1"]
        refunded = await client.command("refund", "graphql-1-refund", payment, amount=500)
        assert (refunded["refund"]["status"], refunded["refund"]["amount"]) == ("succeeded", 500)
        assert await types_of(watching, 2) == ["refund.requested.v1", "refund.succeeded.v1"]
    by_rest = (await http.get(f"/v1/payments/{payment}"))[1]
    query = """query($id: ID!) { payment(id: $id) { sequence status amountCaptured amountRefunded metadata
        refunds { edges { node { id } } } events(first: 100) { edges { node { type } } } } }"""
    shown = (await client.ask(query, id=payment))["payment"]
    assert (shown["sequence"], shown["amountCaptured"], shown["amountRefunded"]) == (
        by_rest["sequence"],
        1500,
        500,
    )
    assert shown["refunds"]["edges"] == [{"node": {"id": refunded["refund"]["id"]}}]
    again = await http.create("graphql-1", amount=1999, capture_method="manual")
    assert (again.status, again.headers.get("Idempotent-Replayed"), again.payment_id) == (
        201,
        "true",
        payment,
    )
    await inquest.hold()


async def test_who_follows_at_a_process_that_goes_goes_on_at_another(
    system: System, http: HttpClient, history: History, inquest: Inquest, session: aiohttp.ClientSession
) -> None:
    merchant = system.merchants[0]
    parts = system.service.parts()
    leaving = next(name for name, part in parts.items() if part["address"] == http.doors[1])
    client = GraphQLClient(session, http.doors[0], merchant, history)
    made = await client.command(
        "create", "graphql-2", amount=700, currency="usd", paymentMethod="pm_card_visa"
    )
    payment = made["payment"]["id"]
    async with talk_at(session, http.doors[1], merchant["api_key"]) as watching:
        await watching.begin()
        await watching.subscribe("1", STORY, {"id": payment})
        assert await types_of(watching, 2) == ["payment.requested.v1", "payment.captured.v1"]
        pid = system.service.signal(leaving, signal.SIGTERM)
        assert await watching.closed_with() == aiohttp.WSCloseCode.GOING_AWAY
    async with talk_at(session, http.doors[0], merchant["api_key"]) as watching:
        await watching.begin()
        await watching.subscribe("1", STORY, {"id": payment, "after": 2})
        await client.command("refund", "graphql-2-refund", payment, amount=100)
        assert await types_of(watching, 2) == ["refund.requested.v1", "refund.succeeded.v1"]
    await until(lambda: system.service.has_replaced(leaving, pid), BACK_WITHIN_S, f"{leaving} again")
    await inquest.hold()
