"""Mails of the whole system: receipts for who pays, alerts for operators; and no payment knows whether a mail server is there."""

import asyncio
import json
import signal
import urllib.request
from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from models.codes import Code
from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.kafka_client import KafkaClient
from tests.system.leases import end_leases
from tests.system.operator import millrace, told
from tests.system.stack import OPERATOR_ADDRESS, System
from tests.system.test_dead_letters import misplaced
from tests.system.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(300)]

WITHIN_S = 60.0
STRIKES_WITHIN_S = 20.0
AGAIN_WITHIN_S = 150.0

KILLS, PAID_BETWEEN = 3, 10

POINTS = {
    "notifications.after_mails": "the mails are durable, the place in the log was not committed",
    "notifications.after_mail": "a server has taken the mail, nobody has written that down",
}


@pytest.fixture(autouse=True)
def mail_server(system: System) -> Iterator[None]:
    """There again, whatever a test did."""
    yield
    if not system.smtp.is_ready():
        system.smtp.start()


def address() -> str:
    return f"customer-{uuid4().hex[:12]}@mail.example"


def mailbox(system: System, recipient: str) -> list[dict[str, Any]]:
    """What has come for that address, with its bodies."""
    found = [each for each in _read(f"{system.smtp.mailbox}/messages") if each["to"] == recipient]
    return [_read(f"{system.smtp.mailbox}/messages/{each['id']}") for each in found]


def _read(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


async def arrived(
    system: System, recipient: str, what: str, within_s: float = WITHIN_S
) -> list[dict[str, Any]]:
    return await until(lambda: mailbox(system, recipient), within_s, what)


async def pay(http: HttpClient, **body: Any) -> str:
    made = await http.create(f"mails-{uuid4()}", **body)
    assert made.answer["status"] == "captured", made
    return str(made.answer["id"])


async def test_who_pays_and_is_refunded_has_a_receipt_of_both(system: System, http: HttpClient) -> None:
    customer = address()
    payment_id = await pay(http, receipt_email=customer, description="Two <b>mugs</b>")
    (receipt,) = await arrived(system, customer, "the receipt")
    assert "19.99 USD" in receipt["subject"]
    assert payment_id in receipt["text"] and "Two <b>mugs</b>" in receipt["text"]
    assert "Two &lt;b&gt;mugs" in receipt["html"]
    await http.refund(payment_id, f"mails-{uuid4()}", amount=500)
    both = await until(lambda: (found := mailbox(system, customer))[1:] and found, WITHIN_S, "the refund's")
    assert [("Refund" in each["subject"], "5.00 USD" in each["subject"]) for each in both].count(
        (True, True)
    ) == 1
    listed = await told(system, "mails", "list", f"--about={payment_id}")
    assert sorted((each["kind"], each["status"]) for each in listed) == [
        ("payment_receipt", "sent"),
        ("refund_receipt", "sent"),
    ]
    shown = await millrace(system, "mails", "show", listed[0]["id"])
    assert payment_id in shown.out


async def test_a_dispute_is_told_to_the_operators(system: System, http: HttpClient) -> None:
    payment_id = await pay(http, payment_method="pm_card_createDispute")

    def is_told() -> bool:
        return any(payment_id in each["subject"] for each in mailbox(system, OPERATOR_ADDRESS))

    await until(is_told, WITHIN_S, "the dispute's mail")


async def test_no_payment_waits_for_a_mail_server_and_no_receipt_is_lost_with_it(
    system: System, http: HttpClient
) -> None:
    await asyncio.to_thread(system.smtp.kill)
    customers = [address() for _ in range(10)]
    for customer in customers:
        await pay(http, receipt_email=customer)
    await asyncio.to_thread(system.smtp.start)
    for customer in customers:
        assert len(await arrived(system, customer, "the receipt, late", AGAIN_WITHIN_S)) == 1


@pytest.mark.parametrize("point", POINTS)
async def test_a_process_that_dies_there_loses_no_mail_and_what_comes_twice_is_one_by_its_id(
    system: System, http: HttpClient, inquest: Inquest, point: str
) -> None:
    armed = system.crashpoints / point
    customer = address()
    armed.touch()
    payment_id = await pay(http, receipt_email=customer)
    await until(lambda: not armed.exists(), STRIKES_WITHIN_S, f"{point} is reached")
    await until(system.service.is_whole, WITHIN_S, "it is back")
    end_leases(system)

    async def is_sent() -> bool:
        listed = await told(system, "mails", "list", f"--about={payment_id}")
        return [each["status"] for each in listed] == ["sent"]

    await until(is_sent, AGAIN_WITHIN_S, "it is written down that the mail was sent")
    received = mailbox(system, customer)
    assert len(received) == (2 if point == "notifications.after_mail" else 1)
    assert len({each["message_id"] for each in received}) == 1
    await inquest.hold()


async def test_sigkill_in_the_midst_loses_no_receipt(
    system: System, http: HttpClient, inquest: Inquest
) -> None:
    customers = [address() for _ in range(KILLS * PAID_BETWEEN)]
    for first in range(0, len(customers), PAID_BETWEEN):
        some = customers[first : first + PAID_BETWEEN]
        await asyncio.gather(*(pay(http, receipt_email=customer) for customer in some))
        pid = system.service.signal("notifications-0", signal.SIGKILL)
        await until(
            partial(system.service.has_replaced, "notifications-0", pid), WITHIN_S, "another one is there"
        )
    end_leases(system)
    for customer in customers:
        received = await arrived(system, customer, "the receipt", AGAIN_WITHIN_S)
        assert len({each["message_id"] for each in received}) == 1
    await inquest.hold()


async def test_a_dead_letter_is_told_to_the_operators(
    system: System, kafka_client: KafkaClient, inquest: Inquest
) -> None:
    await misplaced(system, kafka_client, inquest)

    def is_told() -> bool:
        told = mailbox(system, OPERATOR_ADDRESS)
        return f"Dead letter: {Code.KEY_INVALID}" in [each["subject"] for each in told]

    await until(is_told, WITHIN_S, "the dead letter's mail")
