"""`millrace reconcile` over the whole system: silent while everything is right and moves, and exact about what is not."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from streams.delivery import partition_of
from streams.topics import DIFFERENCES
from streams.wire import rows
from tests.streams.adapters.servers import run_sql
from tests.system.history import History
from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.kafka_client import KafkaClient
from tests.system.load import Load
from tests.system.operator import millrace
from tests.system.simulator import SimulatorControl
from tests.system.stack import STRIPE_KEY, System
from tests.system.topics import Topics

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(240)]

GHOST = f"pay_{'9' * 32}"


async def test_the_truths_of_payments_of_all_sorts_agree_while_they_move(
    system: System, http: HttpClient, inquest: Inquest, load: Callable[[int], Load]
) -> None:
    await _payments_of_all_sorts(http)
    await inquest.hold()
    async with load(1411):
        ran = await millrace(system, "reconcile", "--json", "--stripe-reads", "100")
    found = ran.document
    assert (ran.code, found["differences"]) == (0, []), found["differences"]
    compared = {pair["with"]: pair["compared"] for pair in found["pairs"]}
    assert compared.keys() == {"table", "postgres", "stripe"}
    assert min(compared.values()) >= 8
    assert "events read" in ran.err and "Stripe's books" in ran.err
    await inquest.hold()


async def test_what_was_planted_in_each_truth_is_found_and_nothing_else(
    system: System, http: HttpClient, stripe: SimulatorControl, inquest: Inquest
) -> None:
    names = ("in-postgres", "in-the-table", "at-stripe")
    stored, doctored, refunded = [made.payment_id for made in await asyncio.gather(*map(http.create, names))]
    await inquest.hold()
    told = Topics(system.settings.kafka_bootstrap, [DIFFERENCES], system.settings.partitions)
    await told.read_on()
    await stripe.hear("nothing.of_this")
    refund, ghost = await _falsify_stripe(http, stripe, refunded)
    await stripe.hear("*")
    inquest.set_aside(refund, ghost, refunded)
    run_sql(system.postgres.dsn, "UPDATE payments SET amount = 1 WHERE id = %s", stored)
    try:
        async with _doctored(system, inquest, doctored):
            ran = await millrace(system, "reconcile", "--json", "--stripe-reads", "100")
    finally:
        run_sql(system.postgres.dsn, "UPDATE payments SET amount = 1999 WHERE id = %s", stored)
    found = ran.document["differences"]
    assert ran.code == 1
    expected: list[tuple[str, str, dict[str, Any]]] = [
        (stored, "row.amount", {"events": 1999, "postgres": 1}),
        (doctored, "amount_captured", {"events": 1999, "table": 1998}),
        (doctored, "amount_refundable", {"events": 1999, "table": 1998}),
        (refunded, f"refunds.{refund}", {"events": None, "stripe": "succeeded 100"}),
        (refunded, "amount_refunded", {"events": 0, "stripe": 100}),
        (GHOST, "payment", {"events": None, "stripe": f"{ghost} succeeded 1234 usd"}),
    ]
    assert _sorted((each["payment"], each["field"], each["values"]) for each in found) == _sorted(expected)
    records = await told.read_on()
    assert all(record.partition == partition_of(record.key, system.settings.partitions) for record in records)
    values = [json.loads(record.value) for record in records]
    assert _sorted((each["payment"], each["field"], each["values"]) for each in values) == _sorted(expected)
    await inquest.hold()


async def test_payments_in_an_account_that_this_shell_does_not_know_are_not_called_wrong(
    system: System, history: History, stripe: SimulatorControl, inquest: Inquest, tmp_path: Path
) -> None:
    async with KafkaClient(system.kafka.bootstrap, "mer_own", history) as own:
        made = await own.create("reconcile-own")
    await inquest.hold()
    nobody = tmp_path / "none.toml"
    nobody.write_text("")
    asked = ("reconcile", "--json", "--merchant", "mer_own")
    ran = await millrace(system, *asked, MILLRACE_STRIPE_ACCOUNTS_FILE=str(nobody))
    assert (ran.code, ran.document["differences"]) == (2, [])
    assert ran.document["open"][made.payment_id] == "no setting names its Stripe account own"
    assert "were not compared: " in ran.err


async def test_what_cannot_be_done_is_neither_agreement_nor_difference(system: System) -> None:
    ran = await millrace(system, "reconcile", MILLRACE_KAFKA_BOOTSTRAP="127.0.0.1:1")
    assert (ran.code, ran.out) == (2, "")
    assert "could not be done: Kafka at 127.0.0.1:1 cannot be reached" in ran.err


async def _payments_of_all_sorts(http: HttpClient) -> None:
    async def held(key: str) -> str:
        return (await http.create(key, capture_method="manual")).payment_id

    async def made(key: str, method: str) -> str:
        return (await http.create(key, payment_method=method)).payment_id

    kept, in_part, dropped, plain, failing, pending, *_ = await asyncio.gather(
        held("sort-held"),
        held("sort-in-part"),
        held("sort-dropped"),
        made("sort-plain", "pm_card_visa"),
        made("sort-refund-fails", "pm_card_refundFail"),
        made("sort-refund-pends", "pm_card_pendingRefund"),
        made("sort-declined", "pm_card_chargeDeclined"),
        made("sort-action", "pm_card_authenticationRequired"),
        made("sort-disputed", "pm_card_createDispute"),
        made("sort-inquiry", "pm_card_createDisputeInquiry"),
    )
    assert kept
    await asyncio.gather(
        http.capture(in_part, "sort-capture", amount=1000),
        http.cancel(dropped, "sort-cancel"),
        *(http.refund(id, f"sort-refund-{id}", amount=300) for id in (plain, failing, pending)),
    )


async def _falsify_stripe(http: HttpClient, stripe: SimulatorControl, payment_id: str) -> tuple[str, str]:
    """A refund made by hand, and an intent that names a payment nobody asked for: their ids."""
    _, payment = await http.get(f"/v1/payments/{payment_id}")
    form = {"payment_intent": payment["provider"]["payment_intent"], "amount": "100"}
    status, refund = await stripe.ask_stripe("POST", "/v1/refunds", STRIPE_KEY, **form)
    assert status == 200, refund
    method = {
        "automatic_payment_methods[enabled]": "true",
        "automatic_payment_methods[allow_redirects]": "never",
    }
    made = {"amount": "1234", "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true"}
    named = {"metadata[payment_id]": GHOST, "metadata[merchant]": http.merchant["id"]}
    status, intent = await stripe.ask_stripe(
        "POST", "/v1/payment_intents", STRIPE_KEY, **made, **method, **named
    )
    assert status == 200, intent
    return refund["id"], intent["id"]


@asynccontextmanager
async def _doctored(system: System, inquest: Inquest, payment_id: str) -> AsyncIterator[None]:
    """The payment's row in the changelog says another amount for as long as this lasts."""
    row = inquest.log.table[payment_id]
    payment = row.transaction.payment
    assert payment is not None
    falsified = replace(payment, amount_captured_minor=payment.amount_captured_minor - 1)
    written = rows.write(replace(row, transaction=replace(row.transaction, payment=falsified)))
    key = payment_id.encode()
    partition = partition_of(key, system.settings.partitions)
    async with AIOKafkaProducer(bootstrap_servers=system.kafka.bootstrap, acks="all") as producer:
        await producer.send_and_wait(inquest.log.changelog, written, key, partition=partition)
        try:
            yield
        finally:
            await producer.send_and_wait(inquest.log.changelog, rows.write(row), key, partition=partition)


def _sorted(found: Any) -> list[Any]:
    return sorted(found, key=lambda each: (each[0], each[1]))
