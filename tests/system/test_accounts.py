"""Merchants with a Stripe account of their own: paid there, told from there, limited by themselves, and walled off."""

import asyncio
import hmac
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from sandbox.stripe_simulator.identity import account_of
from streams.adapters.postgres import Postgres, PostgresPaymentReader
from tests.system import truths
from tests.system.history import History, Operation
from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.kafka_client import KafkaClient
from tests.system.simulator import SimulatorControl
from tests.system.stack import CONNECTED, CONNECTED_PER_S, OWN_KEY, OWN_WEBHOOK_SECRET, System
from tests.system.waiting import until
from tests.system.watching import gauges

pytestmark = [pytest.mark.real, pytest.mark.slow]

WITHIN_S = 30.0
OFFERED = 180
SLOWED_S = 3.0
"""Of one payment beside them, on cores that do all of it; who waits behind the limited account waits for its whole queue."""
OFFERED_PER_S = 3 * CONNECTED_PER_S


@pytest.fixture
async def connected(system: System, history: History, stripe: SimulatorControl) -> AsyncIterator[KafkaClient]:
    async with KafkaClient(system.kafka.bootstrap, "mer_connected", history) as client:
        yield client


@pytest.fixture
async def own(system: System, history: History, stripe: SimulatorControl) -> AsyncIterator[KafkaClient]:
    async with KafkaClient(system.kafka.bootstrap, "mer_own", history) as client:
        yield client


@pytest.fixture
async def reader(system: System) -> AsyncIterator[PostgresPaymentReader]:
    connections = Postgres(system.postgres.dsn)
    yield PostgresPaymentReader(connections)
    await connections.close()


async def becomes(reader: PostgresPaymentReader, made: Operation, **members: object) -> dict[str, Any]:
    seen: dict[str, Any] = {}

    async def so() -> bool:
        seen.update(await reader.payment(made.merchant, made.payment_id) or {})
        return bool(seen) and all(seen[name] == value for name, value in members.items())

    await until(so, WITHIN_S, f"{made.payment_id} {members}")
    return seen


@pytest.mark.parametrize("name", ["connected", "own"])
async def test_a_merchants_payments_are_made_in_its_account_and_finished_by_its_own_notices(
    name: str,
    connected: KafkaClient,
    own: KafkaClient,
    reader: PostgresPaymentReader,
    system: System,
    stripe: SimulatorControl,
    inquest: Inquest,
) -> None:
    client, there = (connected, CONNECTED) if name == "connected" else (own, account_of(OWN_KEY))
    paid = await client.create(f"{name}-paid")
    acting = await client.create(f"{name}-acting", payment_method="pm_card_authenticationRequired")
    disputed = await client.create(f"{name}-disputed", payment_method="pm_card_createDispute")
    shown = await becomes(reader, paid, status="captured")
    assert shown["provider"]["account"] == name
    refund = await client.refund(paid.payment_id, f"{name}-refund", amount=500)
    waits = await becomes(reader, acting, status="requires_action")
    await stripe.authenticate(waits["provider"]["payment_intent"], "succeed")
    await becomes(reader, acting, status="captured")
    await becomes(reader, disputed, amount_disputed=1999)
    await becomes(reader, paid, amount_refunded=500)
    await inquest.hold()
    ledger = await truths.ledger(system)
    charged = [row for row in ledger.entries if row["payment"] in {paid.payment_id, acting.payment_id}]
    assert charged and {row["account"] for row in charged} == {there}
    assert refund.outcome == "ok"


async def test_who_holds_one_account_cannot_tell_of_another_accounts_payment(
    own: KafkaClient,
    http: HttpClient,
    system: System,
    stripe: SimulatorControl,
    inquest: Inquest,
) -> None:
    """Signed with its own secret, and true in all but whose it is: nothing happens, and the door says thank you."""
    made = await http.create("walled", payment_method="pm_card_authenticationRequired")
    payment = made.answer
    intent = {
        "id": payment["provider"]["payment_intent"],
        "object": "payment_intent",
        "status": "succeeded",
        "amount": 1999,
        "amount_received": 1999,
        "amount_capturable": 0,
        "currency": "usd",
        "latest_charge": "ch_forged",
        "metadata": {"payment_id": made.payment_id, "merchant": made.merchant},
    }
    event = {"id": "evt_forged", "object": "event", "type": "payment_intent.succeeded", "livemode": False}
    for changed in ({}, {"account": CONNECTED}, {"account": "acct_nobody"}):
        body = json.dumps({**event, "data": {"object": intent}, **changed}).encode()
        at = int(time.time())
        v1 = hmac.digest(OWN_WEBHOOK_SECRET.encode(), f"{at}.".encode() + body, "sha256").hex()
        async with aiohttp.ClientSession() as session:
            url = f"{system.service.endpoints['http']}/webhooks/stripe"
            sent = session.post(url, data=body, headers={"Stripe-Signature": f"t={at},v1={v1}"})
            async with sent as answer:
                assert answer.status == 200
    await asyncio.sleep(1.0)  # what must not happen would have
    status, seen = await http.get(f"/v1/payments/{made.payment_id}")
    assert (status, seen["status"], seen["sequence"]) == (200, "requires_action", payment["sequence"])
    said = f"{made.payment_id}: notice evt_forged is of the account own, and the payment is in default"
    assert any(said in log.read_text(errors="replace") for log in system.logs())
    await stripe.authenticate(payment["provider"]["payment_intent"], "fail")
    await inquest.hold()


async def test_an_account_at_three_times_its_limit_loses_nothing_and_slows_nobody(
    connected: KafkaClient,
    http: HttpClient,
    stripe: SimulatorControl,
    inquest: Inquest,
) -> None:
    await stripe.limit(CONNECTED_PER_S)
    before = (await stripe.requests())["endpoints"]["payment_intents.create"]
    started, asked = time.monotonic(), list[Operation]()
    busy: list[float] = []

    async def offer() -> None:
        while len(asked) < OFFERED:
            while len(asked) < min(OFFERED, (time.monotonic() - started) * OFFERED_PER_S):
                asked.append(await connected.create(f"over-{len(asked)}"))
            await asyncio.sleep(0.01)

    async def go_on() -> None:
        for n in range(8):
            busy.append(await _timed(http, f"busy-{n}"))

    try:
        await asyncio.gather(offer(), go_on())
        await inquest.hold()
    finally:
        await stripe.limit(None)
    after = (await stripe.requests())["endpoints"]["payment_intents.create"]
    refused = after.get("429", 0) - before.get("429", 0)
    assert refused <= 0.02 * (after["total"] - before["total"])
    assert all(each.outcome == "ok" for each in asked)
    assert sorted(busy)[4] < SLOWED_S, "the others wait behind the account that is limited"


async def test_an_account_that_stripe_has_down_is_paused_alone_and_goes_on_by_itself(
    own: KafkaClient,
    http: HttpClient,
    reader: PostgresPaymentReader,
    system: System,
    stripe: SimulatorControl,
    inquest: Inquest,
) -> None:
    async def paused(account: str) -> list[float]:
        return await gauges(system, "gateway", f'millrace_stripe_paused{{account="{account}"}}')

    async def is_paused() -> bool:
        return max(await paused("own")) == 1.0

    async def goes_on() -> bool:
        return await paused("own") == [0.0, 0.0]

    await stripe.plan({"kind": "reset", "account": account_of(OWN_KEY)})
    asked = [await own.create(f"down-{n}") for n in range(12)]
    await until(is_paused, WITHIN_S, "the account is paused")
    assert await paused("default") == [0.0, 0.0]
    assert await _timed(http, "beside-down") < SLOWED_S
    for each in asked:
        seen = await reader.payment(each.merchant, each.payment_id)
        assert seen is None or seen["status"] in ("processing", "unknown"), "no payment fails for it"
    await stripe.forget_faults()
    for each in asked:
        await becomes(reader, each, status="captured")
    await until(goes_on, WITHIN_S, "the account goes on")
    await inquest.hold()


async def _timed(http: HttpClient, key: str) -> float:
    begun = time.monotonic()
    made = await http.create(key)
    assert made.answer["status"] == "captured"
    return time.monotonic() - begun
